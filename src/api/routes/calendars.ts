import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import {
  type CalendarRow,
  createCalendar,
  deleteCalendar,
  listCalendars,
  lockCalendarToChange,
  lockCalendarToDelete,
  putCalendar,
  readCalendarRow,
} from "../../store/calendars.ts";
import type { Api } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { conditionsOf, isUnconditional, mustPermit, unlessKnown } from "../etag-conditions.ts";
import { changeIf } from "../etag-writes.ts";
import { toNewCalendar } from "../new-calendar.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { conflict, notFound } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import {
  Calendar,
  CreateCalendar,
  calendarName,
  calendarParams,
  newCalendarParams,
  PutCalendar,
  toCalendarJson,
} from "../schemas/calendar.ts";

const PATH = "/calendars/:name";
const tags = ["Calendars"];

export function calendarRoutes(api: Api): void {
  api.post(
    "/calendars",
    {
      config: { access: "calendars:write" },
      schema: {
        operationId: "createCalendar",
        tags,
        summary: "Create a calendar",
        description:
          "Names are unique. Where there is a calendar of this name already, the answer is 200 with that one if it is the same, " +
          "else 409.",
        body: CreateCalendar,
        response: {
          201: answers(Calendar, "Created."),
          200: answers(Calendar, "It exists already; this is it."),
          ...refuses(409, ...BODY_REFUSALS),
        },
      },
    },
    async ({ database, body }, reply) => {
      const { name, ...said } = body;
      const { wish, worked } = await toNewCalendar(database, name, said);
      const created = await createCalendar(database, wish, worked);
      const calendar = created ?? (await readCalendarRow(database, name));
      if (created) reply.code(201).header("location", `/calendars/${encodeURIComponent(name)}`);
      else if (!calendar || !isSaid(wish, calendar)) {
        throw conflict(`there is another calendar named ${name}: change it with PUT /calendars/{name}`);
      }
      return tagged(reply, recordEtag, toCalendarJson(calendar as CalendarRow));
    },
  );

  api.get(
    "/calendars",
    {
      config: { access: "calendars:read" },
      schema: {
        operationId: "listCalendars",
        tags,
        summary: "List calendars",
        description: "In the order of their names.",
        querystring: z.strictObject(pageQuery(z.tuple([calendarName]))),
        response: { 200: answers(z.array(Calendar), "The calendars of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listCalendars(database, { after: query.cursor?.[0] ?? null, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ name }) => [name] }).map(toCalendarJson);
    },
  );

  api.get(
    PATH,
    {
      config: { access: "calendars:read" },
      schema: {
        operationId: "getCalendar",
        tags,
        summary: "Read a calendar",
        description: "With the public holidays that it keeps.",
        params: calendarParams,
        response: { 200: answers(Calendar, "The calendar."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const calendar = await readCalendarRow(request.database, request.params.name);
      if (!calendar) throw notFound(`there is no calendar ${request.params.name}`);
      return unlessKnown(request, reply, recordEtag, toCalendarJson(calendar));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "calendars:write" },
      schema: {
        operationId: "putCalendar",
        tags,
        summary: "Change a calendar, or create it",
        description:
          "Replaces what was said before. Reminders that go by it are worked out anew, but for what is due already.",
        params: newCalendarParams,
        body: PutCalendar,
        response: {
          200: answers(Calendar, "Replaced."),
          201: answers(Calendar, "Created."),
          ...refuses(412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { database, params, body } = request;
      const { wish, worked } = await toNewCalendar(database, params.name, body);
      const { calendar, isNew } = await changeIf(request, {
        lock: (sql) => lockCalendarToChange(sql, params.name),
        tagOf: (calendar) => recordEtag(toCalendarJson(calendar)),
        isDone: (calendar) => isSaid(wish, calendar),
        change: (sql) => putCalendar(sql, wish, worked),
      });
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toCalendarJson(calendar));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "calendars:write" },
      schema: {
        operationId: "deleteCalendar",
        tags,
        summary: "Delete a calendar",
        description: "Refused while a reminder that is ACTIVE or PAUSED goes by it. Doing it again changes nothing.",
        params: calendarParams,
        response: { 204: answersNothing("Deleted."), ...refuses(400, 409, 412, 422) },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const conditions = conditionsOf(request);
      await request.database.transaction(async (sql) => {
        const calendar = await lockCalendarToDelete(sql, name);
        if (calendar === null) return;
        if (!isUnconditional(conditions)) mustPermit(conditions, recordEtag(toCalendarJson(calendar)));
        const used = await deleteCalendar(sql, name);
        if (used > 0) throw conflict(`the calendar ${name} can't be deleted: ${used} reminders go by it`);
      });
      return reply.code(204).send(null);
    },
  );
}

/** True when all of this is what the calendar says already. */
function isSaid(wanted: Awaited<ReturnType<typeof toNewCalendar>>["wish"], calendar: CalendarRow): boolean {
  const said = ({ timeZone, hours, dates, country, region }: typeof wanted) =>
    canonicalJson([timeZone, hours, dates, country, region]);
  return said(wanted) === said(calendar);
}
