import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "./wait.ts";

const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Program {
  pid: number;
  /** Everything it has said so far, on both streams. */
  output(): string;
  /** Waits until it has said this. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or null when a signal ended it. */
  ended: Promise<number | null>;
}

/** Starts the real program as a process of its own, with nothing of our environment but what it needs to run. */
export function runProgram(args: string[], env: Record<string, string> = {}): Program {
  const child: ChildProcess = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const listen = (chunk: Buffer): void => {
    said += chunk.toString("utf8");
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      hasEnded = true;
      resolve(code);
    });
  });
  onTestFinished(async () => {
    if (!hasEnded) child.kill("SIGKILL");
    await ended;
  });
  return {
    pid: child.pid as number,
    output: () => said,
    says: async (text) => {
      await until(() => {
        if (said.includes(text)) return true;
        if (hasEnded) throw new Error(`ended without saying "${text}"; it said:\n${said}`);
        return false;
      }, `the program says "${text}"`);
    },
    kill: (signal) => {
      child.kill(signal);
    },
    ended,
  };
}
