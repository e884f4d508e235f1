import type { FastifyReply, FastifyRequest, preParsingAsyncHookHandler } from "fastify";
import type { Api } from "./context.ts";
import { TenantTurns } from "./tenant-turns.ts";

/** What every route takes; more only where its limit says so. */
export const ORDINARY_BYTES = 1024 * 1024;
const MOST_AT_ONCE = 4;

/**
 * Has each tenant send so many bodies at once that are larger than others: one takes many times its size while it is worked on.
 * What is beyond that waits unread, and takes no memory. Call it before the routes are added.
 */
export function limitLargeBodies(api: Api): void {
  const turns = new TenantTurns(MOST_AT_ONCE);
  const wait: preParsingAsyncHookHandler = async (request, reply, payload) => {
    if (isLarge(request)) {
      await new Promise<void>((begin) => {
        void turns.take(request.actor.tenant, () => {
          begin();
          return over(reply);
        });
      });
    }
    return payload;
  };
  api.addHook("onRoute", (route) => {
    if ((route.bodyLimit ?? 0) <= ORDINARY_BYTES) return;
    route.preParsing = [wait, ...[route.preParsing ?? []].flat()] as NonNullable<typeof route.preParsing>;
  });
}

/** Who doesn't say how much is to come may send all that is allowed. */
function isLarge({ headers }: FastifyRequest): boolean {
  const length = headers["content-length"];
  return length === undefined || Number(length) > ORDINARY_BYTES;
}

/** Resolves when it is answered, or its client is gone. */
async function over({ raw }: FastifyReply): Promise<void> {
  if (raw.closed || raw.destroyed) return;
  await new Promise<void>((resolve) => {
    raw.once("close", resolve);
  });
}
