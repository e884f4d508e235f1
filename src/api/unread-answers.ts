import type { FastifyReply, FastifyRequest } from "fastify";
import type { Api } from "./context.ts";
import { whoseTurn } from "./own-turn.ts";
import { Problem } from "./problem.ts";
import { whenSent } from "./when-sent.ts";

/** A connection on which nothing moves for so long, in either direction, is cut: its answer stays in memory till then. */
export const STALLED_MS = 60_000;

/** Smaller ones don't count: they are many, and soon gone. */
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Bounds what is kept of a tenant's answers until somebody has read them: beyond it, what only asks is refused with 503. Who asks for
 * many large pages at once meets it too. Call it before the routes are added.
 */
export function limitUnread(api: Api): void {
  const unread = new Map<string, number>();
  const add = (whose: string, bytes: number): void => {
    const sum = (unread.get(whose) ?? 0) + bytes;
    if (sum > 0) unread.set(whose, sum);
    else unread.delete(whose);
  };
  api.addHook("onSend", async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    const bytes = typeof payload === "string" || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    if (bytes < LEAST_BYTES) return payload;
    const whose = whoseTurn(request);
    if (request.method === "GET" && (unread.get(whose) ?? 0) + bytes > MOST_BYTES) throw tooMuchUnread();
    add(whose, bytes);
    whenSent(request, reply, () => add(whose, -bytes));
    return payload;
  });
}

function tooMuchUnread(): Problem {
  return new Problem(503, "your other answers haven't been read yet: read them, then ask again", {
    headers: { "retry-after": "5" },
  });
}
