import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Arrival } from "./evidence.ts";

// What receivers over HTTP have in common.

/** A request that is wholly there. */
export interface Asked extends Pick<Arrival, "leftAt" | "stallMs"> {
  request: IncomingMessage;
  body: Buffer;
  response: ServerResponse;
}

/** Answers requests on a port of its own, which it resolves to. `stallMs`: how late this process may be just then. */
export function openWeb(stallMs: () => number, answer: (asked: Asked) => void | Promise<void>): Promise<number> {
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  return new Promise((resolve) => server.once("listening", () => resolve((server.address() as AddressInfo).port)));

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = { leftAt: Date.now(), stallMs: stallMs() };
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // its worker was killed before all of it was here
    }
    await answer({ request, body: Buffer.concat(chunks), response, ...seen });
  }
}

/** Says to the attempts of one message what its script has, like `503-201`: one after the other, and the last from then on. */
export class Scripts {
  readonly #asked = new Map<string, number>();

  next(messageId: string, script: string): string {
    const says = script.split("-");
    const place = this.#asked.get(messageId) ?? 0;
    this.#asked.set(messageId, place + 1);
    return says[Math.min(place, says.length - 1)] ?? "";
  }
}
