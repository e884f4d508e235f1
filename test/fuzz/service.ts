import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { newPrivateKey } from "../../src/channels/push/account.ts";
import { newMasterKey } from "../../src/secrets/master-key.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const START_MS = 60_000;
const STOP_MS = 15_000;
/** Levels of log lines that speak of a fault of ours. */
const FAULT = /"level":"(error|fatal)"/;
const MOST_FAULTS = 200;

/** The built program with API and worker, in a process of its own, whose log is watched. */
export interface Service {
  url: string;
  /** Lines of its log that speak of a fault, or that are no log lines at all, as a crash leaves them. */
  faults: string[];
  /** Resident memory in MB; null where it can't be known, or when it is gone. */
  memoryMb(): number | null;
  isUp(): boolean;
  /** Ends it as a supervisor does, and returns its exit code or the signal that it died of. */
  stop(): Promise<number | string>;
}

/** Starts it on a database of which it is sent nothing else than the URL, with a key of its own to seal secrets with. Throws if it doesn't come up. */
export async function startService(databaseUrl: string, env: Record<string, string> = {}): Promise<Service> {
  const child = spawn(process.execPath, [PROGRAM, "start"], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "/",
      PORT: "0",
      LOG_LEVEL: "warn",
      DATABASE_URL: databaseUrl,
      // Whatever URLs the fuzzer makes up, nobody on the Internet is asked, name servers included.
      OUTGOING_PORTS: "1",
      OUTGOING_DENY: "0.0.0.0/0,::/0",
      SECRETS_KEY: newMasterKey(),
      PUBLIC_URL: "https://reminders.example",
      VAPID_PRIVATE_KEY: newPrivateKey(),
      VAPID_SUBJECT: "mailto:operator@example.com",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const faults: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    if ((FAULT.test(line) || !line.startsWith("{")) && faults.length < MOST_FAULTS) faults.push(line);
  });
  try {
    const url = await banner(child);
    // Messages are printed in demo mode; nobody reads them here.
    child.stdout.resume();
    return {
      url,
      faults,
      memoryMb: () => residentMb(child.pid as number),
      isUp: () => child.exitCode === null && child.signalCode === null,
      stop: () => end(child),
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${(error as Error).message}\n${faults.join("\n")}`);
  }
}

function banner(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error("the service doesn't start")), START_MS);
    const listen = (text: string): void => {
      said += text;
      const url = /^API: +(\S+)/m.exec(said)?.[1];
      if (url === undefined || !said.includes("Scheduler started")) return;
      clearTimeout(timer);
      child.stdout?.off("data", listen);
      resolve(url);
    };
    child.stdout?.setEncoding("utf8").on("data", listen);
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}`)));
  });
}

async function end(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(timer);
  }
  return child.signalCode ?? child.exitCode ?? -1;
}

function residentMb(pid: number): number | null {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return Math.round((pages * 4096) / 1_000_000);
  } catch {
    return null;
  }
}
