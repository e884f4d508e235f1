import { type EventRule, type InboundEvent, type Meaning, meaningOf } from "../core/inbound-event.ts";
import type { JsonObject } from "../core/json.ts";
import { act, lockAllMeant, lockMeant } from "../store/event-effects.ts";
import { rulesAbout } from "../store/event-rules.ts";
import { insertEvents } from "../store/events.ts";
import { putFlag } from "../store/flags.ts";
import { keepOutcome, takeEvent as takeName } from "../store/inbound-events.ts";
import { isHeldElsewhere } from "../store/postgres.ts";
import type { TenantDatabase, TenantSql } from "../store/tenant-database.ts";
import { conflict, Problem } from "./problem.ts";
import type { EventOutcomeJson } from "./schemas/event.ts";

/** Reminders that are locked and changed by one statement. */
const PAGE = 2_000;
/** More than this is no matter for one transaction. */
const MOST_REMINDERS = 20_000;
const MOST_SHOWN = 100;

const DONE_TO = { complete: "completed", pause: "paused", trigger: "triggered" } as const;

type Done = EventOutcomeJson["done"][number];

/**
 * Does what an event means by its tenant's rules, and what `noteWithin` writes, in one transaction: all of it or nothing. `origin`
 * says among whose ids the event's own is; an event that has come before does nothing more. Throws 409 where it means too many reminders, and 503 while
 * somebody else holds one of them.
 */
export async function takeEvent(
  database: TenantDatabase,
  event: InboundEvent,
  origin: string,
  noteWithin: (sql: TenantSql, outcome: EventOutcomeJson) => Promise<void>,
): Promise<EventOutcomeJson> {
  try {
    return await database.transaction(async (sql) => {
      const outcome = await doOnce(sql, event, origin);
      await noteWithin(sql, outcome);
      return outcome;
    });
  } catch (error) {
    if (!isHeldElsewhere(error)) throw error;
    throw new Problem(503, "somebody else is just changing what this event means; try again", {
      headers: { "retry-after": "1" },
    });
  }
}

async function doOnce(sql: TenantSql, event: InboundEvent, origin: string): Promise<EventOutcomeJson> {
  const { type, id } = event;
  const name = id === null ? null : { origin, id };
  const before = await takeName(sql, name);
  if (before !== null) return { type, id, duplicate: true, done: (before.done ?? []) as Done[] };
  const rules = await rulesAbout(sql, type, event.source);
  const done = await applyAll(sql, rules, event);
  if (name !== null) await keepOutcome(sql, name, { done } as unknown as JsonObject);
  return { type, id, duplicate: false, done };
}

/** What became of each rule, in their order. Locks are taken in one order for all events: flags by key, then reminders by id. */
async function applyAll(sql: TenantSql, rules: readonly EventRule[], event: InboundEvent): Promise<Done[]> {
  const all = rules.map((rule, place) => ({ rule, place, meaning: meaningOf(rule, event) }));
  const flagOf = ({ meaning }: (typeof all)[number]): string => (meaning.kind === "flag" ? meaning.flagKey : "");
  const flags = all.filter(({ meaning }) => meaning.kind === "flag");
  // Of those that set the same flag, the last still has its way.
  flags.sort((one, other) => (flagOf(one) < flagOf(other) ? -1 : flagOf(one) > flagOf(other) ? 1 : 0));
  const meant = all.flatMap(({ meaning }) => (meaning.kind === "reminders" ? [meaning] : []));
  const done: Done[] = [];
  let left = MOST_REMINDERS;
  for (const { rule, place, meaning } of flags) done[place] = await apply(sql, rule, meaning, event, left);
  if (meant.length > 1) await lockAllMeant(sql, meant, MOST_REMINDERS + 1);
  for (const { rule, place, meaning } of all) {
    if (meaning.kind === "flag") continue;
    const one = await apply(sql, rule, meaning, event, left);
    left -= one.reminders;
    done[place] = one;
  }
  return done;
}

async function apply(
  sql: TenantSql,
  rule: EventRule,
  meaning: Meaning,
  event: InboundEvent,
  left: number,
): Promise<Done> {
  const done = {
    rule: rule.name,
    action: meaning.action,
    reminders: 0,
    reminder_ids: [],
    flag_key: null,
    skipped: null,
  };
  switch (meaning.kind) {
    case "nothing":
      return { ...done, skipped: meaning.because };
    case "flag":
      await putFlag(sql, meaning.flagKey, meaning.flagValue);
      return { ...done, flag_key: meaning.flagKey };
    case "reminders": {
      const ids = await change(sql, meaning, toldOf(rule, meaning, event), left);
      return { ...done, reminders: ids.length, reminder_ids: ids.slice(0, MOST_SHOWN) };
    }
  }
}

type OfReminders = Extract<Meaning, { kind: "reminders" }>;
type Told = { type: string; because: string; details: JsonObject };

/** Changes page by page what is meant, and says so in each timeline. */
async function change(sql: TenantSql, meaning: OfReminders, told: Told, left: number): Promise<number[]> {
  const changed: number[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const { ids, last } = await lockMeant(sql, meaning.action, meaning, { after, limit: PAGE });
    if (changed.length + ids.length > left) {
      throw conflict(
        `this event means more than ${MOST_REMINDERS} reminders, so nothing was done: let them wait for a flag, and its rule set that`,
      );
    }
    if (ids.length > 0) {
      const events = ids.map((reminderId) => ({ reminderId, ...told }));
      await Promise.all([act(sql, meaning.action, ids), insertEvents(sql, events)]);
    }
    changed.push(...ids);
    after = last;
  }
  return changed;
}

function toldOf({ name }: EventRule, { action }: OfReminders, { type, id, source }: InboundEvent): Told {
  const which = id === null ? `the event ${type}` : `the event ${type} (${id})`;
  const from = source === null ? "" : ` from ${source}`;
  const verb = DONE_TO[action];
  return {
    type: verb,
    because: `${which}${from} ${verb} it, by the rule ${name}`,
    details: { ...(action === "complete" ? { reason: "event" } : {}), event: { type, id, source }, rule: name },
  };
}
