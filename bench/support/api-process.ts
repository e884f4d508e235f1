import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface ApiProcess {
  host: string;
  port: number;
  stop(): Promise<void>;
}

/** The API as users run it: the built program, in a process of its own, on this database. */
export async function startApiProcess(databaseUrl: string): Promise<ApiProcess> {
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-needed"], { cwd: ROOT, stdio: "inherit" });
  const child = spawn(process.execPath, ["dist/cli.js", "api"], {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: databaseUrl, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let said = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    said += text;
    const url = /^API: +(\S+)$/m.exec(said)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    const { hostname, port } = new URL(url);
    return {
      host: hostname,
      port: Number(port),
      stop: async () => {
        child.kill("SIGTERM");
        await ended;
      },
    };
  }
  throw new Error("the API ended before it listened");
}
