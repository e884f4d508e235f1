import type { FastifyRequest, onSendAsyncHookHandler, preParsingAsyncHookHandler } from "fastify";
import type { Api } from "./context.ts";
import { Problem } from "./problem.ts";
import { TenantTurns } from "./tenant-turns.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Gives up the place that a large body has; null: it has none. */
    leavePlace: (() => void) | null;
  }
}

/** What every route takes; more only where its limit says so. */
export const ORDINARY_BYTES = 1024 * 1024;
const MOST_AT_ONCE = 4;
/** So long one waits; well below the time within which a request must have arrived, for that runs on meanwhile. */
const MOST_WAIT_MS = 10_000;

/**
 * Has each tenant, and each address that nobody has shown a key from, send so many bodies at once that are larger than others: one takes many times its size while it is worked on.
 * What is beyond that waits unread, and takes no memory; after a while it is refused with 503. Call it before the routes are added.
 */
export function limitLargeBodies(api: Api): void {
  const turns = new TenantTurns(MOST_AT_ONCE);
  const wait: preParsingAsyncHookHandler = async (request, _reply, payload) => {
    if (isLarge(request)) await placeFor(request, turns);
    return payload;
  };
  const leave: onSendAsyncHookHandler = async (request, _reply, payload) => {
    request.leavePlace?.();
    return payload;
  };
  api.decorateRequest("leavePlace", null);
  api.addHook("onRoute", (route) => {
    if ((route.bodyLimit ?? 0) <= ORDINARY_BYTES) return;
    route.preParsing = [wait, ...[route.preParsing ?? []].flat()] as NonNullable<typeof route.preParsing>;
    route.onSend = [...[route.onSend ?? []].flat(), leave] as NonNullable<typeof route.onSend>;
  });
}

/** Who doesn't say how much is to come may send all that is allowed. */
function isLarge({ headers }: FastifyRequest): boolean {
  const length = headers["content-length"];
  return length === undefined || Number(length) > ORDINARY_BYTES;
}

/** Who is only known by what is sent counts by the address that it comes from, which is no tenant's name. */
function whose({ actor, ip }: FastifyRequest): string {
  return (actor as FastifyRequest["actor"] | undefined)?.tenant ?? `from ${ip}`;
}

/** Resolves when the request has a place, which it has until it is answered or its connection is gone. */
async function placeFor(request: FastifyRequest, turns: TenantTurns): Promise<void> {
  const { socket } = request.raw;
  const left = new Promise<void>((resolve) => {
    // A response that is queued behind another one on its connection doesn't tell when that breaks.
    request.leavePlace = () => {
      socket.off("close", request.leavePlace as () => void);
      resolve();
    };
    socket.once("close", request.leavePlace);
  });
  await new Promise<void>((begin, refuse) => {
    let isRefused = false;
    const timer = setTimeout(() => {
      isRefused = true;
      refuse(tooMany());
    }, MOST_WAIT_MS);
    void turns.take(whose(request), async () => {
      clearTimeout(timer);
      if (isRefused || socket.destroyed) return;
      begin();
      await left;
    });
  });
}

function tooMany(): Problem {
  return new Problem(503, `${MOST_AT_ONCE} large bodies are being worked on already; try again`, {
    headers: { "retry-after": "1" },
  });
}
