import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Email } from "postal-mime";
import { z } from "zod";
import { feedbackOfMail } from "../../channels/email/feedback/dsn.ts";
import { readMime } from "../../channels/email/received/mime.ts";
import type { ReceivedMail } from "../../channels/email/received/received.ts";
import { receivedOfMail } from "../../channels/email/received/whole.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import type { Api, ApiContext } from "../context.ts";
import { digestOf } from "../inbound/provider.ts";
import { PROVIDERS } from "../inbound/registry.ts";
import { takeFeedback } from "../inbound/take-feedback.ts";
import { type HandedIn, takeReply } from "../inbound/take-reply.ts";
import { notMail, readProvidersBodies } from "../json-body.ts";
import { ownTurn, whoseTurn } from "../own-turn.ts";
import { Problem } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses, refusesAllBut } from "../responses.ts";
import { line } from "../schemas/fields.ts";
import { InboundBody, InboundOutcome, inboundParams } from "../schemas/inbound.ts";

const tags = ["Suppressions"];
/** Mails that people write have pictures in them. */
const MAIL_LIMIT_BYTES = 5 * 1024 * 1024;
const ANSWER_DAYS = 30;
const CONFIRM_TIMEOUT_MS = 5_000;

type Context = Pick<ApiContext, "database" | "http" | "bounceSecret" | "answerDays">;

/** What mail providers and mail servers tell of mail that came back, and hand in of what people reply. */
export function inboundRoutes(api: Api, context: Context): void {
  api.register(async (part) => {
    readProvidersBodies(part);
    addRoutes(part.withTypeProvider<ZodTypeProvider>() as Api, context);
  });
}

function addRoutes(api: Api, { database, http, bounceSecret = null, answerDays = ANSWER_DAYS }: Context): void {
  /** What is done for the tenant that asks belongs to its request, and to what is kept under its key. */
  const databases = ({ database: own }: FastifyRequest): Pick<ApiDatabase, "forTenant"> => ({
    forTenant: (tenant) => (tenant === own.tenant ? own : database.forTenant(tenant)),
  });

  const answerIn = async (request: FastifyRequest, handedIn: Omit<HandedIn, "mail">, mail: ReceivedMail | null) => {
    if (mail === null) return null;
    const options = { database: databases(request), secret: bounceSecret, answerDays, log: request.log };
    return await takeReply(options, { ...handedIn, mail });
  };

  api.post(
    "/inbound/:tenant/:provider",
    {
      config: { access: "provider" },
      bodyLimit: MAIL_LIMIT_BYTES,
      schema: {
        operationId: "receiveFeedback",
        tags,
        summary: "Tell what became of messages",
        description:
          "For the webhooks of mail providers, and of Twilio, which prove themselves as each of them does, and with no key. Addresses that are to blame, " +
          "whose readers complain or unsubscribe are suppressed; the timelines of their reminders say so. Mail that a provider has received for " +
          "the address of replies (Postmark, Mailgun, SendGrid, SES) is taken as an answer.",
        params: inboundParams,
        querystring: z.object({
          delivery: line(100).optional().meta({
            description: "Of which message, where the address was made for it.",
            example: "1-1735689600000-0",
          }),
        }),
        body: InboundBody,
        response: {
          200: answers(InboundOutcome, "What was done."),
          204: answersNothing("Done, for who wants no answer."),
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { body, params, actor, query } = request;
      const provider = PROVIDERS.get(params.provider);
      if (!provider) throw new Error("a provider that isn't known was let in");
      const url = provider.confirmationUrl?.(body) ?? null;
      if (url !== null) await confirm(http, url, request.log);
      const feedback = provider.feedback(body, query.delivery ?? null);
      const { name: by, channel, signsNoBody: isUsedUp = false } = provider;
      const handedIn = { tenant: actor.tenant, id: request.told ?? "" };
      const told = { ...handedIn, by, channel, isTrusted: true, isUsedUp, feedback };
      const answered = await answerIn(request, handedIn, (await provider.received?.(body)) ?? null);
      const outcome = { ...(await takeFeedback(databases(request), bounceSecret, told)), answers: answered ? 1 : 0 };
      request.auditDetails = { ...outcome, ...answered };
      if (!provider.wantsNoAnswer) return outcome;
      reply.code(204);
      return null;
    },
  );

  api.post(
    "/inbound/mail",
    {
      config: { access: "suppressions:write", takesMail: true },
      bodyLimit: MAIL_LIMIT_BYTES,
      schema: {
        operationId: "receiveMail",
        tags,
        summary: "Hand in mail that came back, or replies",
        description:
          "A whole mail, as `message/rfc822`: what your mail server takes for the addresses of bounces and of replies. Delivery status " +
          "notifications that came back to an address of ours, whichever tenant's, suppress whom the message was for, if that address is to " +
          "blame. What somebody replies is done as if they had pressed the message's link. Anything else does nothing.",
        querystring: z.strictObject({
          recipient: line(320).optional().meta({
            description: "The envelope's recipient, if the mail server tells it.",
            example: "bounces+x@example.com",
          }),
        }),
        response: { 200: answers(InboundOutcome, "What was done."), ...refusesAllBut("message/rfc822", 400, 413, 422) },
      },
    },
    async (request) => {
      const mail = request.bytes;
      if (mail === null) throw notMail();
      await ownTurn(whoseTurn(request));
      const read = await readMail(mail);
      const recipient = request.query.recipient ?? null;
      const handedIn = { tenant: request.actor.tenant, id: digestOf(mail) };
      const told = { ...handedIn, by: "mail", channel: "email" as const, isTrusted: false };
      const answered = await answerIn(request, handedIn, receivedOfMail(read, recipient));
      const feedback = feedbackOfMail(read, recipient);
      const outcome = {
        ...(await takeFeedback(databases(request), bounceSecret, { ...told, feedback })),
        answers: answered ? 1 : 0,
      };
      request.auditDetails = { ...outcome, ...answered };
      return outcome;
    },
  );
}

async function readMail(mail: Buffer): Promise<Email> {
  try {
    return await readMime(mail);
  } catch {
    throw new Problem(400, "the body can't be read as mail");
  }
}

/** Tells Amazon that its notifications are wanted here: who could sign for the topic may be told so. */
async function confirm(http: Context["http"], url: string, log: FastifyBaseLogger): Promise<void> {
  const answer = await http?.request({ method: "GET", url, timeoutMs: CONFIRM_TIMEOUT_MS, need: "status" });
  if (answer?.ok && answer.status === 200) return log.info("a subscription of a provider was confirmed");
  throw new Problem(503, "the subscription can't be confirmed at the moment; try again", {
    headers: { "retry-after": "60" },
  });
}
