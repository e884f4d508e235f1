import type { JsonObject } from "../../core/json.ts";
import { humaniseInside } from "../words.ts";

/** What the built-in words know more about than what anything is called. */
export const USE_CASES = [
  "interview",
  "feedback",
  "approval",
  "sla",
  "compliance",
  "payment",
  "document",
  "general",
] as const;
export type UseCase = (typeof USE_CASES)[number];

/** Beginnings of words by which people name such things; the first use case that has one of them is it. */
const BEGINNINGS: readonly [UseCase, readonly string[]][] = [
  ["feedback", ["feedback", "survey", "rating", "scorecard"]],
  ["interview", ["interview", "candidate"]],
  ["approval", ["approv", "signoff", "authoris", "authoriz"]],
  ["sla", ["sla", "breach", "incident", "escalat"]],
  ["compliance", ["complian", "audit", "gdpr", "certif", "attest"]],
  ["payment", ["pay", "paid", "invoice", "bill", "dunning"]],
  ["document", ["document", "upload", "paperwork", "passport"]],
];
/** Words that mean something only as a whole. */
const WHOLE = new Set(["sla", "paid"]);

/**
 * What a reminder is for: what `data.template` says, if it is one of `USE_CASES`; else by the words of its event type, and where they
 * say nothing, of its entity type. Pure.
 */
export function useCaseOf(reminder: { eventType: string; entityType: string; data: JsonObject }): UseCase {
  const said = Object.hasOwn(reminder.data, "template") ? reminder.data.template : null;
  const chosen = USE_CASES.find((name) => name === said);
  return chosen ?? byWords(reminder.eventType) ?? byWords(reminder.entityType) ?? "general";
}

function byWords(identifier: string): UseCase | null {
  const words = humaniseInside(identifier.slice(0, 200)).toLowerCase().split(" ");
  const isOne = (beginning: string) =>
    words.some((word) => (WHOLE.has(beginning) ? word === beginning : word.startsWith(beginning)));
  return BEGINNINGS.find(([, beginnings]) => beginnings.some(isOne))?.[0] ?? null;
}
