import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { feedbackOfMail } from "../../channels/email/feedback/dsn.ts";
import type { Feedback } from "../../channels/email/feedback/feedback.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import type { Api, ApiContext } from "../context.ts";
import { digestOf } from "../inbound/provider.ts";
import { PROVIDERS } from "../inbound/registry.ts";
import { takeFeedback } from "../inbound/take-feedback.ts";
import { readProvidersBodies } from "../json-body.ts";
import { Problem } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import { line } from "../schemas/fields.ts";
import { InboundBody, InboundOutcome, inboundParams } from "../schemas/inbound.ts";

const tags = ["Suppressions"];
const MAIL_LIMIT_BYTES = 256 * 1024;
const CONFIRM_TIMEOUT_MS = 5_000;

type Context = Pick<ApiContext, "database" | "http" | "bounceSecret">;

/** What mail providers and mail servers tell of mail that came back. */
export function inboundRoutes(api: Api, context: Context): void {
  api.register(async (part) => {
    readProvidersBodies(part);
    addRoutes(part.withTypeProvider<ZodTypeProvider>() as Api, context);
  });
}

function addRoutes(api: Api, { database, http, bounceSecret = null }: Context): void {
  /** What is done for the tenant that asks belongs to its request, and to what is kept under its key. */
  const databases = ({ database: own }: FastifyRequest): Pick<ApiDatabase, "forTenant"> => ({
    forTenant: (tenant) => (tenant === own.tenant ? own : database.forTenant(tenant)),
  });

  api.post(
    "/inbound/:tenant/:provider",
    {
      config: { access: "provider" },
      schema: {
        operationId: "receiveFeedback",
        tags,
        summary: "Tell what became of messages",
        description:
          "For the webhooks of mail providers, and of Twilio, which prove themselves as each of them does, and with no key. Addresses that are to blame, " +
          "whose readers complain or unsubscribe are suppressed; the timelines of their reminders say so.",
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
      const { name: by, channel } = provider;
      const told = { tenant: actor.tenant, by, channel, id: request.told ?? "", isTrusted: true, feedback };
      const outcome = await takeFeedback(databases(request), bounceSecret, told);
      request.auditDetails = { ...outcome };
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
        summary: "Hand in mail that came back",
        description:
          "A whole mail, as `message/rfc822`: what your mail server takes for the bounce address. Delivery status notifications that came " +
          "back to an address of ours, whichever tenant's, suppress whom the message was for, if that address is to blame. Anything else " +
          "does nothing.",
        querystring: z.strictObject({
          recipient: line(320).optional().meta({
            description: "The envelope's recipient, if the mail server tells it.",
            example: "bounces+x@example.com",
          }),
        }),
        response: { 200: answers(InboundOutcome, "What was done."), ...refuses(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const mail = request.bytes;
      if (mail === null) throw new Problem(415, "send the mail as it is, with the header Content-Type: message/rfc822");
      const feedback = await readMail(mail, request.query.recipient ?? null);
      const told = {
        tenant: request.actor.tenant,
        by: "mail",
        channel: "email" as const,
        id: digestOf(mail),
        isTrusted: false,
      };
      const outcome = await takeFeedback(databases(request), bounceSecret, { ...told, feedback });
      request.auditDetails = { ...outcome };
      return outcome;
    },
  );
}

async function readMail(mail: Buffer, recipient: string | null): Promise<Feedback[]> {
  try {
    return await feedbackOfMail(mail, recipient);
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
