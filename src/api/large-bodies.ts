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
const LEAST_BYTES = 64 * 1024;
/** What is larger than so many bytes is counted, the largest first: of each size a tenant sends so many at once. */
const SIZES: readonly { overBytes: number; mostAtOnce: number }[] = [
  { overBytes: ORDINARY_BYTES, mostAtOnce: 4 },
  { overBytes: LEAST_BYTES, mostAtOnce: 64 },
];
/** So long one waits; well below the time within which a request must have arrived, for that runs on meanwhile. */
const MOST_WAIT_MS = 10_000;

/**
 * Has each tenant, and each address that nobody has shown a key from, send so many bodies at once that aren't small: they are in memory
 * until they are whole, however slowly they come, and one takes many times its size while it is worked on. What is beyond that waits unread,
 * and takes no memory; after a while it is refused with 503.
 * Call it before the routes are added.
 */
export function limitLargeBodies(api: Api): void {
  const sizes = SIZES.map((size) => ({ ...size, turns: new TenantTurns(size.mostAtOnce) }));
  const wait: preParsingAsyncHookHandler = async (request, _reply, payload) => {
    const bytes = bytesToCome(request);
    const size = sizes.find(({ overBytes }) => bytes > overBytes);
    if (size) await placeFor(request, size);
    return payload;
  };
  const leave: onSendAsyncHookHandler = async (request, reply, payload) => {
    request.answerMade?.(reply);
    return payload;
  };
  api.decorateRequest("answerMade", null);
  api.addHook("onRoute", (route) => {
    if (route.method === "GET" || (route.bodyLimit ?? ORDINARY_BYTES) <= LEAST_BYTES) return;
    route.preParsing = [wait, ...[route.preParsing ?? []].flat()] as NonNullable<typeof route.preParsing>;
    route.onSend = [...[route.onSend ?? []].flat(), leave] as NonNullable<typeof route.onSend>;
  });
}

/** Who doesn't say how much is to come may send all that is allowed; what says that it is more is refused without being read. */
export function bytesToCome({ headers, routeOptions }: FastifyRequest): number {
  const most = routeOptions.bodyLimit ?? ORDINARY_BYTES;
  const length = headers["content-length"];
  if (length === undefined) return headers["transfer-encoding"] === undefined ? 0 : most;
  return Number(length) <= most ? Number(length) : 0;
}

/**
 * Resolves when the request has a place. It has it until its answer is with the client; where the connection breaks before,
 * until nothing is done for it any more.
 */
async function placeFor(
  request: FastifyRequest,
  { turns, ...size }: (typeof SIZES)[number] & { turns: TenantTurns },
): Promise<void> {
  const { raw } = request;
  const { socket } = raw;
  // As many listen as requests are sent one after the other without waiting for answers.
  socket.setMaxListeners(0);
  await new Promise<void>((begin, refuse) => {
    let isRefused = false;
    const timer = setTimeout(() => {
      isRefused = true;
      refuse(tooMany(size));
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

function tooMany({ mostAtOnce, overBytes }: (typeof SIZES)[number]): Problem {
  const because = `${mostAtOnce} bodies of yours over ${overBytes / 1024} KiB are being worked on: send this one when they are answered`;
  return new Problem(503, because, { headers: { "retry-after": "5" } });
}
