import { z } from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { StopReminder, StopSubject } from "../core/stop-subject.ts";
import { CannotAsk, type StopConditionKind } from "./condition.ts";

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
/** Whose reminder it is says the reminder, and nobody else: queries tell tenants apart by it. */
const FIXED = "tenant_id";
const PATH = /^(id|entity_type|entity_id|event_type|channel|recipient|data(\.[^.\0]{1,100}){1,10})$/;
const MOST_PARAMETERS = 20;

const settings = z
  .strictObject({
    parameters: z
      .record(
        z.string().min(1).max(100),
        z
          .string()
          .regex(
            PATH,
            "must be one of the reminder's fields: id, entity_type, entity_id, event_type, channel, recipient, data.…",
          ),
      )
      .refine((given) => !Object.hasOwn(given, FIXED), `must leave ${FIXED} alone: it is the reminder's own`)
      .refine((given) => Object.keys(given).length <= MOST_PARAMETERS, `must have at most ${MOST_PARAMETERS}`)
      .optional(),
  })
  .prefault({}) as unknown as z.ZodType<JsonObject>;

/** Met when a query of the operator's says so. */
export const sqlCheck: StopConditionKind = {
  name: "sql_check",
  description:
    "Met when a query that the operator has named in `SQL_CHECKS_FILE` answers with true. The value is its name; `parameters` say " +
    "from which of the reminder's fields its parameters come, where their names don't say it.",
  example: { value: "invoice_paid", settings: { parameters: { invoice: "data.invoice.id" } } },
  value: z.string().regex(NAME, "must be the name of a query: small letters, digits, hyphens and underscores"),
  settings,
  asksOutside: true,
  objection: ({ value }, { hasQuery }, tenantId) =>
    hasQuery(value ?? "", tenantId) === false
      ? `must be the name of a query that may be used here: ${value} is none`
      : null,
  service: ({ value }) => `the query ${value}`,
  question: (condition, { reminder }) => canonicalJson([condition.value, condition.settings, fieldsOf(reminder)]),
  answer: async (condition, subject, { queries, signal }) => {
    const name = condition.value ?? "";
    const found = await queries.ask(name, {
      tenantId: subject.reminder.tenantId,
      parameter: (parameter) => bind(parameter, condition, subject),
      signal,
    });
    if ("cannot" in found) throw new CannotAsk(`the query ${name} ${found.cannot}`);
    const says = (state: "met" | "not_met", what: string) => {
      return { state, because: `the query ${name} ${what}`, gotAt: null, freshForMs: 0 };
    };
    if (found.value === true) return says("met", "says that it is done");
    if (found.value === undefined) return says("not_met", "found no row");
    if (found.value === false || found.value === null) return says("not_met", "says that it is not done");
    throw new CannotAsk(`the query ${name} answers with neither true nor false`);
  },
};

/** The value of a query's parameter, as its name or the condition's settings say. Throws `CannotAsk`. */
function bind(parameter: string, { settings }: StopCondition, { reminder }: StopSubject): string | number | boolean {
  const given = (settings?.parameters ?? {}) as JsonObject;
  const path = parameter !== FIXED && Object.hasOwn(given, parameter) ? String(given[parameter]) : parameter;
  const value = valueAt(path, reminder);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new CannotAsk(`the query's parameter ${parameter} has no value: the reminder has no text or number in ${path}`);
}

function valueAt(path: string, reminder: StopReminder): JsonValue | undefined {
  if (path === FIXED) return reminder.tenantId;
  let value: JsonValue | undefined = fieldsOf(reminder);
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** All that a query can be given of a reminder, but for its tenant; which of it, the operator's file says. */
function fieldsOf(reminder: StopReminder): JsonObject {
  const { id, entityType, entityId, eventType, channel, recipient, data } = reminder;
  return { id, entity_type: entityType, entity_id: entityId, event_type: eventType, channel, recipient, data };
}
