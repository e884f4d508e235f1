import type { Channel, Message } from "../../src/channels/channel.ts";
import type { GuardedHttp } from "../../src/outgoing/guarded-http.ts";

/** The body of the one request that a channel makes of a message, whatever is answered to it. */
export async function sentBy(
  make: (http: GuardedHttp) => Channel,
  message: Message,
  answer: { status: number; body: object },
): Promise<string> {
  const bodies: string[] = [];
  const http: GuardedHttp = {
    request: async ({ body }) => {
      bodies.push(String(body ?? ""));
      return {
        ok: true,
        status: answer.status,
        headers: {},
        body: Buffer.from(JSON.stringify(answer.body)),
        isWhole: true,
      };
    },
    close: () => {},
  };
  const channel = make(http);
  await channel.send(message, { signal: AbortSignal.timeout(10_000) });
  await channel.close();
  const [only, ...others] = bodies;
  if (only === undefined || others.length > 0) throw new Error(`${channel.name} made ${bodies.length} requests`);
  return only;
}
