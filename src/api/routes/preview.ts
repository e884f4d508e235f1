import type { FastifyReply } from "fastify";
import { z } from "zod";
import type { Api } from "../context.ts";
import { type PreviewContext, type Preview as PreviewOf, previewKnown, previewNew } from "../preview.ts";
import { CALENDAR_MEDIA_TYPE, toCalendar, wantsCalendar } from "../preview-calendar.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { idParams } from "../schemas/fields.ts";
import { Preview, PreviewQuery, reachOf, toPreviewJson } from "../schemas/preview.ts";
import { CreateReminder } from "../schemas/reminder.ts";

const Calendar = z.string().meta({
  examples: [
    [
      ...["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Reminder Engine//Preview//EN", "METHOD:PUBLISH", "BEGIN:VEVENT"],
      ...[
        "UID:9f86d081884c7d659a2feaa0c55ad015-1774659600000@reminder-engine",
        "SEQUENCE:0",
        "DTSTAMP:20260327T120000Z",
      ],
      ...["DTSTART:20260328T010000Z", "SUMMARY:Feedback form (interviewer INT_100)", "TRANSP:TRANSPARENT"],
      ...["END:VEVENT", "END:VCALENDAR", ""],
    ].join("\r\n"),
  ],
});

const calendar = {
  description: "The messages as a calendar: RFC 5545.",
  content: { [CALENDAR_MEDIA_TYPE]: { schema: Calendar } },
};
const either = (description: string) => {
  const json = answers(
    Preview,
    `${description} With \`Accept: text/calendar\`, its messages as a calendar (RFC 5545).`,
  );
  return { ...json, content: { ...json.content, ...calendar.content } };
};

/** What reminders come to, without waiting for it. Nothing is created, changed or sent by any of these. */
export function previewRoutes(api: Api, context: PreviewContext): void {
  const asNew = {
    description:
      "Takes what creating a reminder takes, refuses what that refuses, and creates nothing: it answers with the next " +
      "occurrences, what becomes of each, and why. By the same code that fires reminders.",
    tags: ["Reminder previews"],
    body: CreateReminder,
    querystring: PreviewQuery,
  };
  const asKnown = {
    description:
      "The next occurrences of a reminder in any status, what becomes of each, and why; or why nothing comes.",
    tags: ["Reminder previews"],
    params: idParams,
    querystring: PreviewQuery,
  };
  // Whoever says what to ask, and hears what comes of it, could learn of flags and contacts what reading reminders doesn't tell.
  const ofNew = { access: "reminders:write", changesNothing: true } as const;
  const ofKnown = { access: "reminders:read" } as const;

  api.post(
    "/reminders/preview",
    {
      config: ofNew,
      schema: {
        ...asNew,
        operationId: "previewNewReminder",
        summary: "Preview a reminder before it is created",
        response: { 200: either("What would come of it."), ...refuses(...BODY_REFUSALS) },
      },
    },
    async ({ database, body, query, headers }, reply) => {
      const preview = await previewNew(database, body, context, reachOf(query));
      return wantsCalendar(headers.accept) ? sendCalendar(reply, preview) : toPreviewJson(preview);
    },
  );

  api.post(
    "/reminders/preview.ics",
    {
      config: ofNew,
      schema: {
        ...asNew,
        operationId: "previewNewReminderAsCalendar",
        summary: "Preview a reminder as a calendar before it is created",
        response: { 200: calendar, ...refuses(...BODY_REFUSALS) },
      },
    },
    async ({ database, body, query }, reply) =>
      sendCalendar(reply, await previewNew(database, body, context, reachOf(query))),
  );

  api.get(
    "/reminders/:id/preview",
    {
      config: ofKnown,
      schema: {
        ...asKnown,
        operationId: "previewReminder",
        summary: "Preview a reminder",
        response: { 200: either("What comes of it."), ...refuses(404, 422) },
      },
    },
    async ({ database, params, query, headers }, reply) => {
      const preview = await previewKnown(database, params.id, context, reachOf(query));
      return wantsCalendar(headers.accept) ? sendCalendar(reply, preview) : toPreviewJson(preview);
    },
  );

  api.get(
    "/reminders/:id/preview.ics",
    {
      config: ofKnown,
      schema: {
        ...asKnown,
        operationId: "previewReminderAsCalendar",
        summary: "Preview a reminder as a calendar",
        response: { 200: calendar, ...refuses(404, 422) },
      },
    },
    async ({ database, params, query }, reply) =>
      sendCalendar(reply, await previewKnown(database, params.id, context, reachOf(query))),
  );
}

function sendCalendar(reply: FastifyReply, preview: PreviewOf): string {
  reply.header("content-type", `${CALENDAR_MEDIA_TYPE}; charset=utf-8`);
  return toCalendar(preview);
}
