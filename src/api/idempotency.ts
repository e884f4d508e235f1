import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify";
import { type KeptAnswer, keepAnswer, takeKey } from "../store/idempotency.ts";
import { within } from "../store/savepoint.ts";
import type { Api } from "./context.ts";
import { type OnceOnly, readOnceOnly } from "./idempotency-key.ts";
import { conflict, fieldError, invalid, PROBLEM_MEDIA_TYPE, Problem } from "./problem.ts";
import { TenantTurns } from "./tenant-turns.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set where the request carries an `Idempotency-Key`. */
    onceOnly: OnceOnly | null;
  }
}

/** Of a tenant's requests with a key, each of which keeps a connection for as long as its work takes. */
const MOST_AT_ONCE = 3;
const JSON_MEDIA_TYPE = "application/json; charset=utf-8";
/** What belongs to the answer itself; the others are said anew each time. */
const KEPT_HEADERS = ["location", "etag"];
/** Only large requests about many reminders get a larger answer. */
const MOST_KEPT_CHARACTERS = 4 * 1024 * 1024;

/**
 * Lets every POST that is added after this be done once under an `Idempotency-Key`, and answers it the same way again for
 * 24 hours. The key, the work and the answer are one transaction: whenever a process is killed, either all of them are there
 * or none is. Requests without the header notice nothing, and nor does what changes nothing: it is done again.
 */
export function answerOnce(api: Api): void {
  const turns = new TenantTurns(MOST_AT_ONCE);
  api.decorateRequest("onceOnly", null);
  api.addHook("onRoute", (route) => {
    if (route.method !== "POST") return;
    const noteKey = async (request: FastifyRequest): Promise<void> => {
      request.onceOnly = readOnceOnly(request);
    };
    route.preValidation = [noteKey, ...[route.preValidation ?? []].flat()];
    const work = route.handler;
    route.handler = function (request, reply) {
      const { onceOnly, actor, routeOptions } = request;
      if (onceOnly === null || routeOptions.config?.changesNothing) return work.call(this, request, reply);
      const done = () => answer(request, reply, onceOnly, async () => work.call(this, request, reply));
      return turns.take(actor.tenant, done);
    } satisfies RouteHandlerMethod;
  });
}

const NO_CONTENT = 204;

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { key, fingerprint }: OnceOnly,
  work: () => Promise<unknown>,
): Promise<FastifyReply> {
  const kept = await request.database.transaction(async (sql) => {
    const taken = await takeKey(sql, key);
    if (taken.isBusy) throw stillAtWork();
    if (taken.kept !== null) return replayed(taken.kept, fingerprint);
    // From here on, all that the route does is part of this transaction.
    Object.defineProperty(request, "database", { value: within(sql) });
    const outcome = { ...(await outcomeOf(reply, work)), fingerprint };
    const isTooLarge = outcome.body.length > MOST_KEPT_CHARACTERS;
    await keepAnswer(sql, key, isTooLarge ? { ...outcome, body: null } : outcome);
    return { ...outcome, isReplay: false };
  });
  if (kept.isReplay) {
    request.auditDetails = { replayed: true };
    reply.header("idempotency-replayed", "true");
  }
  return reply.code(kept.status).headers(kept.headers).send(kept.body);
}

/** What the route answers, in the bytes in which it is sent. Throws what isn't to be kept. */
async function outcomeOf(
  reply: FastifyReply,
  work: () => Promise<unknown>,
): Promise<Omit<KeptAnswer, "fingerprint"> & { body: string }> {
  try {
    const made = await work();
    const type = reply.getHeader("content-type");
    // What was sent already can't be kept as it is sent.
    if (made === undefined || reply.sent) throw new Error("a route that takes a key must return its answer");
    // A text, or what is written already, says what it is; all else is JSON.
    const isText = (typeof made === "string" || Buffer.isBuffer(made)) && typeof type === "string";
    const isNothing = reply.statusCode === NO_CONTENT;
    const body = isNothing ? "" : isText ? made.toString() : JSON.stringify(made);
    const headers: Record<string, string> = isNothing ? {} : { "content-type": isText ? type : JSON_MEDIA_TYPE };
    for (const name of KEPT_HEADERS) {
      const value = reply.getHeader(name);
      if (value !== undefined) headers[name] = String(value);
    }
    return { status: reply.statusCode, headers, body };
  } catch (error) {
    if (!(error instanceof Problem) || !isKept(error)) throw error;
    const headers = { ...error.headers, "content-type": PROBLEM_MEDIA_TYPE };
    return { status: error.status, headers, body: JSON.stringify(error) };
  }
}

/**
 * True for what the work found out: there is no such thing, its state doesn't allow it. Not kept is what says "not like this"
 * (the client mends it and sends it again) or "not now" (it sends it again as it is): nothing was done.
 */
function isKept({ status }: Problem): boolean {
  return status === 404 || status === 409;
}

function replayed(kept: KeptAnswer, fingerprint: string): KeptAnswer & { isReplay: true } {
  if (kept.fingerprint !== fingerprint) {
    throw invalid([fieldError("header", ["Idempotency-Key"], "was used for another request: use a new key for each")]);
  }
  if (kept.body === null) {
    throw conflict(
      "this was done under this Idempotency-Key already, but its answer was too large to be kept: read what there is",
    );
  }
  return { ...kept, isReplay: true };
}

function stillAtWork(): Problem {
  const detail = "a request with this Idempotency-Key is being worked on: wait, and send it again";
  return new Problem(409, detail, { headers: { "retry-after": "1" } });
}
