import { setTimeout } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Keyring } from "../../secrets/keyring.ts";
import { wordsFor } from "../answers/words/languages.ts";
import type { Api, ApiContext } from "../context.ts";
import { type Admitted, SlackDoor } from "../inbound/slack/door.ts";
import { nameOfButton, takePress } from "../inbound/slack/take-press.ts";
import { tell } from "../inbound/slack/tell.ts";

const FORM = "application/x-www-form-urlencoded";
/** A press comes with its message, which is at most 50 blocks of 3,000 characters, written as a URL has it. */
const MOST_BYTES = 1024 * 1024;
/** Slack tells whoever has pressed that it failed unless it is answered within 3 s. */
const ANSWERED_WITHIN_MS = 1_500;
const USUAL_TIMEOUT_MS = 5_000;

/**
 * Where Slack tells of presses of buttons. They are for Slack alone, and not a part of the API that programs read about. Call it
 * before what holds for all other routes that take a POST.
 */
export async function slackRoutes(
  api: Api,
  { database, channels, keyring = new Keyring([]), http, slack }: Omit<ApiContext, "cage">,
): Promise<void> {
  const door = new SlackDoor({ database, keyring, account: slack?.account ?? null });
  const way = { http: http ?? NOBODY, apiUrl: slack?.apiUrl ?? "https://slack.com/api/", timeoutMs: USUAL_TIMEOUT_MS };
  const underWay = new Set<Promise<void>>();
  api.addHook("onClose", async () => void (await Promise.all(underWay)));

  const receive = async (request: FastifyRequest, reply: FastifyReply, tenant: string | null) => {
    const admitted = await door.admit(request, tenant);
    if (admitted !== null) {
      if (admitted.link) request.actor = actorOf(admitted.link);
      // What is done writes its line itself; what isn't has changed nothing.
      request.auditedAs = 200;
      const taking = takeSafely(request, admitted);
      await Promise.race([taking, setTimeout(ANSWERED_WITHIN_MS, undefined, { ref: false })]);
      const telling = taking.then((told) => told && tell(way, admitted.press, told, request.log)).then(() => undefined);
      const ended = telling.catch((error: unknown) => request.log.error({ err: error }, "Slack could not be told"));
      underWay.add(ended);
      void ended.then(() => underWay.delete(ended));
    }
    return reply.code(200).send();
  };

  const takeSafely = (request: FastifyRequest, admitted: Admitted) =>
    takePress(request, { channels, way }, admitted).catch((error: unknown) => {
      request.log.error({ err: error }, "a press in Slack could not be taken");
      return { only: wordsFor().failed.join(": ") };
    });

  await api.register(async (part) => {
    part.removeAllContentTypeParsers();
    part.addContentTypeParser(FORM, { parseAs: "buffer" }, (request, body, done) => {
      // Read once it is clear that it is Slack's.
      request.bytes = body as Buffer;
      done(null, undefined);
    });
    const route = { config: { access: "slack" as const }, bodyLimit: MOST_BYTES };
    const schema = { hide: true, operationId: "pressInSlack" };
    part.post("/inbound/slack", { ...route, schema }, (request, reply) => receive(request, reply, null));
    part.post<{ Params: { tenant: string } }>("/inbound/:tenant/slack", { ...route, schema }, (request, reply) =>
      receive(request, reply, request.params.tenant),
    );
  });
}

function actorOf(link: NonNullable<Admitted["link"]>): FastifyRequest["actor"] {
  const name = nameOfButton(link);
  return { tenant: link.tenant, subject: name, name, scopes: new Set(), limits: { own: null, tenant: null } };
}

/** Without a way out, nobody is asked and nobody told. */
const NOBODY: NonNullable<ApiContext["http"]> = {
  request: async () => ({ ok: false, kind: "refused", because: "it has no way out", mayHaveArrived: false }),
};
