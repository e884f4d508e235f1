import type { FastifyReply, FastifyRequest, onSendAsyncHookHandler, preParsingAsyncHookHandler } from "fastify";
import type { Api } from "./context.ts";
import { whoseTurn } from "./own-turn.ts";
import { Problem } from "./problem.ts";
import { TenantTurns } from "./tenant-turns.ts";
import { whenSent } from "./when-sent.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Says that the answer is made to what has a place for its large body; null: it has none. */
    answerMade: ((reply: FastifyReply) => void) | null;
  }
}

/** What every route takes; more only where its limit says so. */
export const ORDINARY_BYTES = 1024 * 1024;
const MOST_AT_ONCE = 4;
/** So long one waits; well below the time within which a request must have arrived, for that runs on meanwhile. */
const MOST_WAIT_MS = 10_000;

/**
 * Has each tenant, and each address that nobody has shown a key from, send so many bodies at once that are larger than others: one takes
 * many times its size while it is worked on. What is beyond that waits unread, and takes no memory; after a while it is refused with 503.
 * Call it before the routes are added.
 */
export function limitLargeBodies(api: Api): void {
  const turns = new TenantTurns(MOST_AT_ONCE);
  const wait: preParsingAsyncHookHandler = async (request, _reply, payload) => {
    if (isLarge(request)) await placeFor(request, turns);
    return payload;
  };
  const leave: onSendAsyncHookHandler = async (request, reply, payload) => {
    request.answerMade?.(reply);
    return payload;
  };
  api.decorateRequest("answerMade", null);
  api.addHook("onRoute", (route) => {
    if ((route.bodyLimit ?? 0) <= ORDINARY_BYTES) return;
    route.preParsing = [wait, ...[route.preParsing ?? []].flat()] as NonNullable<typeof route.preParsing>;
    route.onSend = [...[route.onSend ?? []].flat(), leave] as NonNullable<typeof route.onSend>;
  });
}

/** Who doesn't say how much is to come may send all that is allowed; what says that it is more is refused without being read. */
function isLarge({ headers, routeOptions }: FastifyRequest): boolean {
  const length = headers["content-length"];
  if (length === undefined) return headers["transfer-encoding"] !== undefined;
  return Number(length) > ORDINARY_BYTES && Number(length) <= (routeOptions.bodyLimit ?? ORDINARY_BYTES);
}

/**
 * Resolves when the request has a place. It has it until its answer is with the client; where the connection breaks before,
 * until nothing is done for it any more.
 */
async function placeFor(request: FastifyRequest, turns: TenantTurns): Promise<void> {
  const { raw } = request;
  const { socket } = raw;
  // As many listen as requests are sent one after the other without waiting for answers.
  socket.setMaxListeners(0);
  await new Promise<void>((begin, refuse) => {
    let isRefused = false;
    const timer = setTimeout(() => {
      isRefused = true;
      refuse(tooMany());
    }, MOST_WAIT_MS);
    void turns.take(whoseTurn(request), async () => {
      clearTimeout(timer);
      if (isRefused || socket.destroyed) return;
      await new Promise<void>((leave) => {
        // With the whole body there, the handler goes on, whoever is gone.
        const broken = (): void => void (raw.complete || leave());
        socket.once("close", broken);
        request.answerMade = (reply) => {
          socket.off("close", broken);
          whenSent(request, reply, leave);
        };
        begin();
      });
    });
  });
}

function tooMany(): Problem {
  return new Problem(
    503,
    `${MOST_AT_ONCE} large bodies of yours are being worked on: send this one when they are answered`,
    {
      headers: { "retry-after": "5" },
    },
  );
}
