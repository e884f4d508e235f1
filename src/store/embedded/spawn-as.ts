import type { Account } from "./account.ts";

/**
 * Options for a child process of the server's: its account, and an environment of its own, since PostgreSQL reads PG*
 * and locale variables that are meant for other programs.
 */
export function asAccount(account: Account | null): { uid?: number; gid?: number; env: Record<string, string> } {
  return {
    ...(account && { uid: account.uid, gid: account.gid }),
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" },
  };
}

/**
 * How a child that runs in `folder` should name it. Another account may not be able to enter the folders above
 * (`mktemp -d` and /root are closed to it), but on Linux a process always reaches the folder it was started in, and
 * PostgreSQL never leaves its own. So the data can stay where the user wants it.
 */
export function nameOfWorkingFolder(folder: string, account: Account | null): string {
  return account && process.platform === "linux" ? "/proc/self/cwd" : folder;
}
