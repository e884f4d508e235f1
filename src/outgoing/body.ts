import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Failed } from "./outcome.ts";

/** The encodings that are understood. Only the first two are asked for: some servers send a `deflate` that isn't one. */
const DECODERS: Record<string, () => Duplex> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
};
export const ACCEPT_ENCODING = "gzip, br";

/**
 * Adds the body to `chunks`, decompressed, as it comes. Throws `Failed` as soon as it is larger than it may be, on the wire or
 * decompressed: no more of it than that is ever in memory, whatever was promised or packed into it.
 */
export async function readBody(
  response: IncomingMessage,
  maxBytes: number,
  chunks: Buffer[],
  signal: AbortSignal,
): Promise<void> {
  const tooMuch = (): Failed => new Failed("too_much", `it answered with more than ${maxBytes} bytes`);
  const decoder = decoderOf(response);
  const unpacked = collect(chunks, maxBytes, tooMuch);
  if (decoder === null) return pipeline(response, unpacked, { signal });
  const wire = { bytes: 0 };
  try {
    await pipeline(response, atMost(maxBytes, wire, tooMuch), decoder, unpacked, { signal });
  } catch (error) {
    // No body at all is no compressed nothing, which is what decoders miss then.
    if (wire.bytes > 0 || !response.complete) throw error;
  }
}

function decoderOf(response: IncomingMessage): Duplex | null {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return null;
  // More than one, as in "gzip, gzip", is what nobody does who means well.
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) throw new Failed("unreadable", "its answer is compressed in a way that is not known here");
  return decoder();
}

function atMost(maxBytes: number, wire: { bytes: number }, tooMuch: () => Failed) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      wire.bytes += chunk.length;
      if (wire.bytes > maxBytes) throw tooMuch();
      yield chunk;
    }
  };
}

function collect(chunks: Buffer[], maxBytes: number, tooMuch: () => Failed) {
  return async (source: AsyncIterable<Buffer>): Promise<void> => {
    let bytes = 0;
    for await (const chunk of source) {
      const room = maxBytes - bytes;
      bytes += chunk.length;
      if (room > 0) chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      if (bytes > maxBytes) throw tooMuch();
    }
  };
}
