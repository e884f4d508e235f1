import type { FastifyRequest } from "fastify";
import type { InboundEvent } from "../../core/inbound-event.ts";
import type { JsonObject } from "../../core/json.ts";
import { auditWithin } from "../access/audit.ts";
import type { Api } from "../context.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { Event, EventOutcome, type EventOutcomeJson, eventParams, SignedEvent } from "../schemas/event.ts";
import { takeEvent } from "../take-event.ts";

const tags = ["Events"];
const MEANING =
  "Does what the tenant's rules say that it means, all of it or, where that fails, nothing; once this is answered, nothing leaves " +
  "any more for what it completed. An event without a rule does nothing. Sent again with the same id within seven days, it does " +
  "nothing more. 409 if it means more than 20000 reminders.";
const SIGNED_BODY_LIMIT_BYTES = 256 * 1024;

export function eventRoutes(api: Api): void {
  api.post(
    "/events",
    {
      config: { access: "events:write" },
      schema: {
        operationId: "sendEvent",
        tags,
        summary: "Tell what happened",
        description: `${MEANING} The names of CloudEvents are understood, and \`application/cloudevents+json\`.`,
        body: Event,
        response: { 200: answers(EventOutcome, "What was done."), ...refuses(409, ...BODY_REFUSALS) },
      },
    },
    async (request) => {
      const { body } = request;
      const id = body.id === undefined || body.id === null ? null : String(body.id);
      const event: InboundEvent = { type: body.type, id, source: null, body: body as InboundEvent["body"] };
      return take(request, event, `key:${body.source ?? ""}`);
    },
  );

  api.post(
    "/events/:tenant/:source",
    {
      config: { access: "signature" },
      bodyLimit: SIGNED_BODY_LIMIT_BYTES,
      schema: {
        operationId: "receiveEvent",
        tags,
        summary: "Tell what happened, with a signature",
        description:
          `For senders of [Standard Webhooks](https://www.standardwebhooks.com), who have no key: the headers \`webhook-id\`, ` +
          `\`webhook-timestamp\` and \`webhook-signature\` say who it is. ${MEANING} The id is that of the header.`,
        params: eventParams,
        body: SignedEvent,
        response: { 200: answers(EventOutcome, "What was done."), ...refuses(409, ...BODY_REFUSALS) },
      },
    },
    async (request) => {
      const { source, id } = request.signed as { source: string; id: string };
      const { body } = request;
      return take(request, { type: body.type, id, source, body: body as InboundEvent["body"] }, `signed:${source}`);
    },
  );
}

async function take(request: FastifyRequest, event: InboundEvent, origin: string): Promise<EventOutcomeJson> {
  return takeEvent(request.database, event, origin, (sql, outcome) => {
    request.auditDetails = detailsOf(outcome);
    return auditWithin(sql, request, 200);
  });
}

/** What the audit says of an event. */
function detailsOf({ type, id, duplicate, done }: EventOutcomeJson): JsonObject {
  const rules = done.map(({ rule, reminders }) => ({ rule, reminders }));
  return { event: type, id, ...(duplicate ? { duplicate } : { done: rules.slice(0, 20) }) };
}
