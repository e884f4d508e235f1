import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
/** What a supervisor waits before it starts a service again that could not start. */
const RESTART_MS = 300;
const LINES_KEPT = 400;

/** One process of the built program, under a supervisor that starts it until it runs. */
export class Service {
  readonly name: string;
  /** Set when it ended although nobody had ended it. */
  readonly endedByItself: string[] = [];
  /** The last lines of its log. */
  readonly log: string[] = [];
  readonly #command: string;
  readonly #env: Record<string, string>;
  readonly #saysWhenUp: RegExp;
  #child: ChildProcess | null = null;
  #isWanted = true;
  #told = "";

  constructor(name: string, command: string, env: Record<string, string>, saysWhenUp: RegExp) {
    this.name = name;
    this.#command = command;
    this.#env = env;
    this.#saysWhenUp = saysWhenUp;
  }

  /** Resolves once it is up; what it said then is `told`. */
  async start(): Promise<void> {
    for (this.#isWanted = true; this.#isWanted; ) {
      if (await this.#tryToStart()) return;
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    }
  }

  get isUp(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The part of its banner that the expression for being up caught. */
  get told(): string {
    return this.#told;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it and leaves it so. Resolves when it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (!child || !this.isUp) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async #tryToStart(): Promise<boolean> {
    const child = spawn(process.execPath, [PROGRAM, this.#command], {
      env: { PATH: process.env.PATH ?? "", LOG_LEVEL: "warn", PORT: "0", ...this.#env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#keepLog(child);
    let said = "";
    const isUp = await new Promise<boolean>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const up = this.#saysWhenUp.exec(said);
        if (up) this.#told = up[1] ?? "";
        if (up) resolve(true);
      });
      child.once("error", () => resolve(false));
      child.once("exit", () => resolve(false));
    });
    if (isUp) {
      child.once("exit", (code, signal) => {
        if (!this.#isWanted) return;
        this.endedByItself.push(`${this.name} ended by itself with ${signal ?? code}: ${this.log.slice(-3).join(" ")}`);
        void this.start();
      });
    }
    return isUp;
  }

  #keepLog(child: ChildProcess): void {
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.log.push(...text.split("\n").filter((line) => line !== ""));
      this.log.splice(0, this.log.length - LINES_KEPT);
    });
  }
}
