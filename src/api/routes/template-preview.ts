import { MOST_PAYLOAD_BYTES, pushPayload } from "../../channels/push/payload.ts";
import { shownBody } from "../../channels/services/channel.ts";
import { SERVICES } from "../../channels/services/list.ts";
import { slackContent } from "../../channels/slack/blocks.ts";
import { smsText } from "../../channels/sms/words.ts";
import { webhookBody } from "../../channels/webhook/body.ts";
import { toIso } from "../../core/instant.ts";
import { smsSegments } from "../../core/sms-segments.ts";
import { insertTemplateTest, readTemplateTest, type TemplateTestRow } from "../../store/template-tests.ts";
import { tooMany } from "../access/rate-limits.ts";
import { parseRecipient } from "../channel-check.ts";
import type { TemplateCages } from "../check-template.ts";
import type { Api, ApiContext } from "../context.ts";
import { notFound } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import {
  PreviewTemplate,
  SendTemplateTest,
  TemplatePreview,
  TemplateTest,
  testParams,
} from "../schemas/template-preview.ts";
import { type Tried, tryTemplate } from "../try-template.ts";

const tags = ["Templates"];
/** Of one tenant. */
const MOST_TESTS_A_MINUTE = 10;
const MINUTE_MS = 60_000;
const TEST_MARK = "[Test] ";
const MAX_SUBJECT_LENGTH = 200;

/** What a template looks like, without anybody being reminded. */
export function templatePreviewRoutes(
  api: Api,
  { channels, cages, publicUrl = null }: Pick<ApiContext, "channels" | "publicUrl"> & { cages: TemplateCages },
): void {
  api.post(
    "/templates/preview",
    {
      config: { access: "templates:write", changesNothing: true },
      schema: {
        operationId: "previewTemplate",
        tags,
        summary: "Preview a message",
        description:
          "A message in all its forms, in the words that you give or those that it would be written in now, with made-up data or that of " +
          "a reminder. Nothing is sent.",
        body: PreviewTemplate,
        response: { 200: answers(TemplatePreview, "The message."), ...refuses(404, ...BODY_REFUSALS) },
      },
    },
    async (request) => {
      const { body } = request;
      return toPreviewJson(await tryTemplate(request, cages, body, { channel: body.channel ?? "email", publicUrl }));
    },
  );

  api.post(
    "/templates/test-send",
    {
      config: { access: "templates:write" },
      schema: {
        operationId: "sendTemplateTest",
        tags,
        summary: "Send a message as a test",
        description:
          "To one recipient over one channel, its subject marked as a test. A worker sends it, once; ask the address in `Location` what " +
          "became of it. It is no delivery of any reminder. Ten a minute.",
        body: SendTemplateTest,
        response: { 202: answers(TemplateTest, "A worker sends it."), ...refuses(404, ...BODY_REFUSALS) },
      },
    },
    async (request, reply) => {
      const { body, database } = request;
      const { to, ...asked } = body;
      const recipient = parseRecipient(channels, asked.channel, to, "to") as string;
      const { message, written } = await tryTemplate(request, cages, asked, { channel: asked.channel, publicUrl });
      const { instead, ...words } = written;
      const subject = `${TEST_MARK}${words.subject}`.slice(0, MAX_SUBJECT_LENGTH).toWellFormed();
      const test = await database.transaction((sql) =>
        insertTemplateTest(
          sql,
          {
            channel: asked.channel,
            recipient,
            reason: instead,
            message: {
              ...message,
              idempotencyKey: `test-${crypto.randomUUID()}`,
              // A first one, and of no reminder: it belongs to nobody's thread.
              occurrenceNumber: 1,
              reminder: { ...message.reminder, createdAt: message.occurrenceAt },
              written: { ...words, subject },
            },
          },
          MOST_TESTS_A_MINUTE,
        ),
      );
      if (!test) throw tooMany(`${MOST_TESTS_A_MINUTE} tests can be sent a minute`, MINUTE_MS);
      reply.code(202).header("location", `/templates/tests/${test.id}`);
      return toTestJson(test);
    },
  );

  api.get(
    "/templates/tests/:test",
    {
      config: { access: "templates:read" },
      schema: {
        operationId: "getTemplateTest",
        tags,
        summary: "Read what became of a test",
        description: "For a day.",
        params: testParams,
        response: { 200: answers(TemplateTest, "The test."), ...refuses(404, 422) },
      },
    },
    async ({ params, database }) => {
      const test = await readTemplateTest(database, params.test);
      if (!test) throw notFound("there is no such test, or it is older than a day");
      return toTestJson(test);
    },
  );
}

function toPreviewJson({ message, written, template }: Tried) {
  const { instead, ...words } = written;
  const sms = smsText(words);
  const { encoding, units, parts } = smsSegments(sms);
  return {
    template: template && {
      event_type: template.eventType,
      channel: template.channel,
      locale: template.locale,
      version: template.version,
    },
    problem: instead,
    subject: words.subject,
    text: words.text,
    html: words.html,
    slack: slackContent(message, words) as { text: string; blocks: Record<string, unknown>[] },
    sms: { text: sms, encoding, units, parts },
    webhook: JSON.parse(webhookBody(message, words).toString()) as Record<string, unknown>,
    push: JSON.parse(pushPayload(message, words, MOST_PAYLOAD_BYTES).toString()) as Record<string, unknown>,
    services: Object.fromEntries(
      SERVICES.map((service) => [service.name, shownBody(service, message, words) as Record<string, unknown>]),
    ),
  };
}

function toTestJson({ id, channel, recipient, status, reason, demo, createdAt, finishedAt }: TemplateTestRow) {
  return {
    ...{ id, channel, recipient, status, reason, demo },
    created_at: toIso(createdAt),
    finished_at: finishedAt === null ? null : toIso(finishedAt),
  };
}
