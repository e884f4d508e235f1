import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Arrival } from "./evidence.ts";
import type { FromReceiver, Letter, Moods, ToReceiver } from "./receiver.ts";

/** The receiver of all messages, seen from the run. */
export interface Post {
  port: number;
  /** Where webhooks are answered. */
  hooksUrl: string;
  /** Where the provider of SMS is. */
  textsUrl: string;
  /** Everything that was answered so far, in the order of the answers. */
  arrivals: Arrival[];
  /** By the address, what was accepted for it, in that order. */
  letters: Map<string, Letter[]>;
  setMoods(moods: Moods): void;
  close(): Promise<void>;
}

type Listening = Extract<FromReceiver, { tell: "listening" }>;

/** Starts the receiver as a process of its own. */
export async function openPost(seed: number): Promise<Post> {
  const child = fork(fileURLToPath(new URL("./receiver.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const tell = (message: ToReceiver) => child.send(message);
  const arrivals: Arrival[] = [];
  const letters: Post["letters"] = new Map();
  const { port, hooksPort, textsPort } = await new Promise<Listening>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the receiver did not start")));
    child.on("message", (message: FromReceiver) => {
      if (message.tell === "listening") resolve(message);
      else if (message.tell === "arrival") arrivals.push(message.arrival);
      else letters.set(message.letter.to, [...(letters.get(message.letter.to) ?? []), message.letter]);
    });
  });
  tell({ tell: "seed", seed });
  return {
    port,
    hooksUrl: `http://127.0.0.1:${hooksPort}`,
    textsUrl: `http://127.0.0.1:${textsPort}`,
    arrivals,
    letters,
    setMoods: (moods) => void tell({ tell: "moods", moods }),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}
