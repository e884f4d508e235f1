import { z } from "zod";
import { flagKey } from "../core/flag-key.ts";
import type { Instant } from "../core/instant.ts";
import type { StopCondition } from "../core/reminder.ts";
import { readAnswer } from "../core/stop.ts";
import type { StopReminder, StopSubject } from "../core/stop-subject.ts";
import { MOST_MICROSECONDS } from "./cel/cost.ts";
import { ExpressionFlaw } from "./cel/flaw.ts";
import { compile, type Expression, MAX_EXPRESSION_LENGTH, type Variables } from "./cel/language.ts";
import { Values } from "./cel/values.ts";
import type { StopConditionKind } from "./condition.ts";

const LONGEST_SHOWN = 200;

/** Met when an expression over the reminder, its data, its contact, flags and counts is true. */
export const expression: StopConditionKind = {
  name: "expression",
  description:
    "Met when an expression of [CEL](https://cel.dev) is true. It knows `data`, `reminder`, `contact`, `counts` (`sent`, " +
    '`occurrences`), `now`, and flags by their keys: `flags["paid:{entity_id}"]`. What can\'t be worked out, since `data` has no ' +
    "such field for instance, is unknown.",
  example: { value: 'flags["paid:{entity_id}"] || (has(data.amount) && data.amount < 5.0)' },
  value: z.string().superRefine((text, context) => {
    const flaw = expressionFlaw(text);
    if (flaw) context.addIssue({ code: "custom", message: `must be an expression of CEL: ${flaw}` });
  }),
  settings: null,
  asksOutside: false,
  flagKeys: ({ value }, entity) => compile(value ?? "").flags.map((key) => flagKey(key, entity)),
  answer: (condition, subject) => {
    try {
      return answerOf(condition, subject);
    } catch (error) {
      return readAnswer("unknown", `the expression can't be worked out: ${(error as Error).message}`);
    }
  },
};

/** Why a text is no expression; null when it is one. */
export function expressionFlaw(text: string): string | null {
  if (text.length > MAX_EXPRESSION_LENGTH) return `it has more than ${MAX_EXPRESSION_LENGTH} characters`;
  try {
    compile(text);
    return null;
  } catch (error) {
    if (!(error instanceof ExpressionFlaw)) throw error;
    return error.message;
  }
}

function answerOf({ value }: StopCondition, subject: StopSubject) {
  const text = value ?? "";
  if (text.length > MAX_EXPRESSION_LENGTH) throw new Error(`it has more than ${MAX_EXPRESSION_LENGTH} characters`);
  const compiled = compile(text);
  const values = new Values();
  const variables = variablesOf(subject, compiled, values);
  const { effort = { left: MOST_MICROSECONDS } } = subject;
  const cost = compiled.cost(values.sizes);
  effort.left -= cost;
  if (effort.left < 0) {
    throw new Error("with as much data as this reminder has, it could take too long");
  }
  const outcome = compiled.evaluate(variables);
  if (typeof outcome !== "boolean") throw new Error("it comes to neither true nor false");
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN).toWellFormed()}…` : text;
  return readAnswer(outcome ? "met" : "not_met", `the expression ${shown} is ${outcome}`);
}

function variablesOf(
  { reminder, contact, counts, flags, now }: StopSubject,
  asked: Expression,
  values: Values,
): Variables {
  return {
    reminder: fieldsOf(reminder, values),
    contact: {
      name: values.take(contact?.name ?? null),
      email: values.take(contact?.email ?? null),
      time_zone: values.take(contact?.timeZone ?? null),
      locale: values.take(contact?.locale ?? null),
    },
    counts: { occurrences: BigInt(counts.occurrences), sent: BigInt(counts.sent) },
    data: values.take(reminder.data),
    // By the keys as they are written; a flag that nobody set is false.
    flags: new Map(asked.flags.map((key) => [key, flags.get(flagKey(key, reminder)) ?? false])),
    now: toDate(now),
  };
}

function fieldsOf(reminder: StopReminder, values: Values): Record<string, unknown> {
  return {
    id: BigInt(reminder.id),
    entity_type: values.take(reminder.entityType),
    entity_id: values.take(reminder.entityId),
    event_type: values.take(reminder.eventType),
    channel: values.take(reminder.channel),
    recipient: values.take(reminder.recipient),
    subject: values.take(reminder.subject),
    message: values.take(reminder.message),
    time_zone: values.take(reminder.timeZone),
    next_run_at: reminder.nextRunAt === null ? null : toDate(reminder.nextRunAt),
    created_at: toDate(reminder.createdAt),
  };
}

function toDate(instant: Instant): Date {
  return new Date(instant);
}
