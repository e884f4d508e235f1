import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import type { ReminderRecord } from "../../core/reminder.ts";
import type { Tenant } from "../../core/tenant.ts";
import type { NewReminder } from "../../store/new-reminder-rows.ts";
import { inParts } from "../../store/new-reminders.ts";
import { keyOf } from "../../store/reminder-key.ts";
import { isTemplate } from "../../templates/liquid.ts";
import type { Api } from "../context.ts";
import { createInParts, type Outcome, type Placed } from "../create-reminder.ts";
import { FullTenants } from "../full-tenants.ts";
import { inTurns } from "../in-turns.ts";
import { bytesToCome, ORDINARY_BYTES } from "../large-bodies.ts";
import { MadeBefore } from "../made-before.ts";
import {
  type Moment,
  mayNeedMoment,
  momentFor,
  type NewReminderContext,
  toNewReminder,
  type Wish,
} from "../new-reminder.ts";
import { whoseTurn } from "../own-turn.ts";
import { Problem, under } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { type CreatedReminder, CreatedReminders, CreateReminders, MAX_BULK } from "../schemas/bulk.ts";
import { CreateReminder, toReminderJson } from "../schemas/reminder.ts";
import { validate } from "../validation.ts";

/** Ten kilobytes for each, where all have come. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

export function bulkRoutes(api: Api, context: NewReminderContext): void {
  const full = new FullTenants();
  const before = new MadeBefore((request) => makeAll(request, context));

  api.post(
    "/reminders/bulk",
    {
      config: { access: "reminders:write" },
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        operationId: "createReminders",
        tags: ["Reminders"],
        summary: "Create many reminders",
        description:
          `Up to ${MAX_BULK} at once, in at most 10 MiB. Each is created, found or refused as if it came by itself, and ` +
          "the answer says so for each, in order; those that are wrong, or for which the tenant's quota has no room, don't keep " +
          "out the others. All that are created are created in one transaction. Sending a request twice does no harm.",
        body: CreateReminders,
        response: {
          200: answers(CreatedReminders, "What became of each."),
          ...refuses(...BODY_REFUSALS),
        },
      },
      preHandler: before.preHandler,
    },
    async (request, reply) => {
      const { database, body } = request;
      const items = body.reminders;
      const all = await before.of(request);
      const refused = new Map<number, Problem>();
      const make = (place: number): Placed[] => {
        const made = all?.[place] ?? toMade(understand(items[place]), context, null, database.tenant);
        if (made instanceof Problem) refused.set(place, made);
        return made instanceof Problem ? [] : [{ place, reminder: made }];
      };
      const parts = inParts([...items.keys()], (index) => keyIn(items[index]));
      const written = new Map<ReminderRecord, Buffer>();
      const outcomes = await createInParts(database, making(parts, make), full, (stored) => {
        for (const reminder of stored) written.set(reminder, granted(reminder, true));
      });
      const ids = [...outcomes.values()].flatMap((outcome) =>
        "isNew" in outcome && outcome.isNew ? [outcome.reminder.id] : [],
      );
      request.auditDetails = { created: ids.sort((one, other) => one - other) };
      const results = items.map((_, index): Buffer => {
        const problem = refused.get(index);
        if (problem) return write({ status: 422, errors: under(["reminders", index], problem.errors) });
        const outcome = outcomes.get(index) as Outcome;
        if (outcome instanceof Problem) return write({ status: 403, detail: outcome.message });
        const { reminder, isNew } = outcome;
        return (isNew && written.get(reminder)) || granted(reminder, isNew);
      });
      // Most of it was written out, as the bytes that are sent, while the database was still at work.
      reply.header("content-type", "application/json; charset=utf-8");
      return inList(results) as unknown as z.output<typeof CreatedReminders>;
    },
  );
}

/** What each of many makes, or what is wrong with it. */
type Made = NewReminder | Problem;

/**
 * Each in turns, where that takes long or something is to be asked of the database for it; null: they may be made one by one while they are
 * stored. When a rule comes next takes as long as anything.
 */
async function makeAll(request: FastifyRequest, context: NewReminderContext): Promise<Made[] | null> {
  const { reminders: items } = request.body as z.output<typeof CreateReminders>;
  if (!items.some(mayNeedMoment) && bytesToCome(request) <= ORDINARY_BYTES && !takesLong(items)) return null;
  const turns = { mostMs: Number.POSITIVE_INFINITY, whose: whoseTurn(request) };
  const understood = await inTurns(() => each(items, understand), turns);
  const { database } = request;
  const moment = await momentFor(
    database,
    understood.flatMap((wish) => (wish instanceof Problem ? [] : [wish])),
  );
  return inTurns(() => each(understood, (wish) => toMade(wish, context, moment, database.tenant)), turns);
}

function understand(item: unknown): Wish | Problem {
  return orProblem(() => validate(CreateReminder, item, "body"));
}

function toMade(wish: Wish | Problem, context: NewReminderContext, moment: Moment, tenant: Tenant): Made {
  return wish instanceof Problem ? wish : orProblem(() => toNewReminder(wish, context, moment, tenant));
}

/** Characters of templates that are read at one go: a whole request's would hold everybody else up for seconds. */
const MOST_TEMPLATES = 10_000;
/** Stop conditions that are understood as quickly as all else. */
const QUICK_STOPS: ReadonlySet<unknown> = new Set([undefined, null, "db_check", "deadline", "max_attempts"]);

/** True where these have conditions or templates in them that take their time to be read. */
function takesLong(items: readonly unknown[]): boolean {
  let characters = 0;
  for (const item of items) {
    const fields = (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
    if (!QUICK_STOPS.has(fields.stop_condition_type)) return true;
    for (const text of [fields.subject, fields.message])
      if (typeof text === "string" && isTemplate(text)) characters += text.length;
    if (characters > MOST_TEMPLATES) return true;
  }
  return false;
}

/** What is made of each, one a step. */
function* each<T, U>(items: readonly T[], make: (item: T) => U): Generator<void, U[]> {
  const made: U[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

function granted(reminder: ReminderRecord, isNew: boolean): Buffer {
  return write({ status: isNew ? 201 : 200, reminder: toReminderJson(reminder) });
}

function write(result: CreatedReminder): Buffer {
  return Buffer.from(JSON.stringify(result));
}

const [BEFORE, BETWEEN, AFTER] = ['{"results":[', ",", "]}"].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
];

function inList(results: readonly Buffer[]): Buffer {
  const parts = [BEFORE];
  for (const result of results) parts.push(result, BETWEEN);
  parts[parts.length - 1] = AFTER;
  return Buffer.concat(parts);
}

function* making<T>(parts: readonly (readonly number[])[], make: (index: number) => T[]): Generator<T[]> {
  for (const part of parts) yield part.flatMap(make);
}

/** The key of an item, as far as it can be seen before it is understood. */
function keyIn(item: unknown): string {
  const fields = (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
  return keyOf({ entityType: text("entity_type"), entityId: text("entity_id"), eventType: text("event_type") });
}

/** What an item makes, or why it makes nothing. */
function orProblem<T>(make: () => T): T | Problem {
  try {
    return make();
  } catch (error) {
    if (error instanceof Problem && error.status === 422) return error;
    throw error;
  }
}
