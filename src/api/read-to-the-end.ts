import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

/** More than this of a body that nobody wants isn't waited for. */
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_MS = 2_000;

/**
 * Answers a request that is refused before its body was read, because that is too large for instance, only once the body
 * is there, within limits. Most clients write it all before they read: answered and cut off meanwhile, they would tell of
 * a broken connection and not of what we said.
 */
export function readToTheEnd(api: FastifyInstance): void {
  api.addHook("onSend", async ({ raw }, reply, payload) => {
    if (hasMoreToCome(raw) && !(await drained(raw))) reply.header("connection", "close");
    return payload;
  });
}

function hasMoreToCome({ complete, headers }: IncomingMessage): boolean {
  const hasBody = Number(headers["content-length"]) > 0 || headers["transfer-encoding"] !== undefined;
  return complete === false && hasBody;
}

/** Throws the rest of a request away; false when there was too much of it. */
function drained(request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    let bytes = 0;
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) end(false);
    };
    const end = (isWhole: boolean) => {
      clearTimeout(timer);
      request.off("data", count).pause();
      resolve(isWhole);
    };
    const timer = setTimeout(() => end(false), MOST_MS);
    request.once("end", () => end(true));
    request.once("close", () => end(false));
    request.on("data", count).resume();
  });
}
