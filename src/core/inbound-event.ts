import { MAX_FLAG_KEY_LENGTH } from "./flag-key.ts";
import type { JsonObject } from "./json.ts";
import { at } from "./json-fields.ts";

/** Something that happened in the outside world, and what we were told of it. */
export interface InboundEvent {
  /** Like `invoice.paid`: what rules go by. */
  type: string;
  /** The sender's own name for it; null where it has none. */
  id: string | null;
  /** Whose signature it bears; null where it came with a key. */
  source: string | null;
  /** The whole of it, as it was sent. Placeholders lead into this. */
  body: JsonObject;
}

export const REMINDER_ACTIONS = ["complete", "pause", "trigger"] as const;
/** What an event may do to reminders. */
export type ReminderAction = (typeof REMINDER_ACTIONS)[number];

export const EVENT_ACTIONS = [...REMINDER_ACTIONS, "set_flag"] as const;

/** What events of some type mean. Texts may hold placeholders such as `{data.invoice.id}`. */
export interface EventRule {
  name: string;
  /** The type of the events that it is about, exactly or with a `*` at its end. */
  event: string;
  /** Only events that this source has signed; null: all. */
  source: string | null;
  isEnabled: boolean;
  effect: RemindersEffect | FlagEffect;
}

interface RemindersEffect {
  action: ReminderAction;
  entityType: string;
  entityId: string;
  /** Null: all of the entity's reminders. */
  eventType: string | null;
}

interface FlagEffect {
  action: "set_flag";
  flagKey: string;
  flagValue: boolean;
}

/** What one rule makes of one event. */
export type Meaning =
  | ({ kind: "reminders" } & RemindersEffect)
  | ({ kind: "flag" } & FlagEffect)
  /** The event lacks what the rule speaks of. */
  | { kind: "nothing"; action: EventRule["effect"]["action"]; because: string };

const MAX_ENTITY_LENGTH = 200;

/** Whether events of this type are those that a rule is about. */
export function isAbout(event: string, type: string): boolean {
  return event.endsWith("*") ? type.startsWith(event.slice(0, -1)) : type === event;
}

/** What a rule makes of an event that it is about. Pure. */
export function meaningOf({ effect }: EventRule, { body }: InboundEvent): Meaning {
  try {
    if (effect.action === "set_flag") {
      return { kind: "flag", ...effect, flagKey: fillIn(effect.flagKey, body, MAX_FLAG_KEY_LENGTH) };
    }
    const { action, entityType, entityId, eventType } = effect;
    return {
      kind: "reminders",
      action,
      entityType: fillIn(entityType, body, MAX_ENTITY_LENGTH),
      entityId: fillIn(entityId, body, MAX_ENTITY_LENGTH),
      eventType: eventType === null ? null : fillIn(eventType, body, MAX_ENTITY_LENGTH),
    };
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
    return { kind: "nothing", action: effect.action, because: error.message };
  }
}

/** The event isn't such that the rule means something. */
class Lacking extends Error {}

const PLACEHOLDER = /\{([^{}]*)\}/g;
/** Names and numbers of places, with dots between them. */
const PATH = /^[^{}.]+(\.[^{}.]+)*$/;
/** What can't stand in a name: it ends a line, drives a terminal, or is half a character. */
const UNFIT = /[\p{Cc}\p{Surrogate}\u2028\u2029]/u;

/** Why a text can't be filled in; null when it can. The message goes on from what it is: "flag_key must ...". */
export function templateFlaw(template: string): string | null {
  if (/[{}]/.test(template.replaceAll(PLACEHOLDER, ""))) {
    return "must have its braces in pairs, around placeholders such as {data.invoice.id}";
  }
  const wrong = [...template.matchAll(PLACEHOLDER)].find(([, path = ""]) => !PATH.test(path));
  return wrong ? "must have in each pair of braces the way to a value, like {entity_id} or {data.lines.0.id}" : null;
}

function fillIn(template: string, body: JsonObject, maxLength: number): string {
  const text = template.replaceAll(PLACEHOLDER, (_, path: string) => textAt(body, path));
  if (text === "") throw new Lacking(`${template} is empty in this event`);
  if ([...text].length > maxLength)
    throw new Lacking(`${template} has more than ${maxLength} characters in this event`);
  if (UNFIT.test(text)) throw new Lacking(`${template} is no single line of text in this event`);
  return text;
}

function textAt(body: JsonObject, path: string): string {
  const value = at(body, ...path.split("."));
  if (value === undefined || value === null) throw new Lacking(`the event has no ${path}`);
  if (typeof value === "object") throw new Lacking(`${path} is neither text nor a number in this event`);
  if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new Lacking(`${path} is a number too large to be exact: it has to be sent as text`);
  }
  return String(value);
}
