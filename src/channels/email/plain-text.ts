import { Worker } from "node:worker_threads";
import type { Rendered } from "../../templates/render.ts";
import { Permanent } from "../channel.ts";

const LONGEST_MS = 5_000;
const MOST_MEMORY_MB = 64;

/** The text part: as it was written, or what the HTML says where there is nothing else. Throws `Permanent`. */
export async function plainText({ text, html }: Pick<Rendered, "text" | "html">): Promise<string> {
  return text.trim() === "" ? await textOf(html) : text;
}

/** HTML as it reads in a terminal: links with their addresses, lists and tables in lines. Bounded, whatever the HTML is. */
export async function textOf(html: string): Promise<string> {
  const worker = new Worker(new URL("./plain-text-thread.mjs", import.meta.url), {
    workerData: html,
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = () =>
        reject(new Permanent("the message has no text of its own, and its HTML can't be read as text"));
      worker.once("message", resolve);
      worker.once("error", fail);
      worker.once("exit", fail);
      timer = setTimeout(fail, LONGEST_MS);
    });
  } finally {
    clearTimeout(timer);
    void worker.terminate();
  }
}
