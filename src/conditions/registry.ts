import type { CompletionReason, StopCondition } from "../core/reminder.ts";
import { allOf, anyOf, not } from "./combining.ts";
import type { CombiningKind, StopConditionKind } from "./condition.ts";
import { dbCheck } from "./db-check.ts";
import { deadline } from "./deadline.ts";
import { expression } from "./expression.ts";
import { httpCheck } from "./http-check.ts";
import { maxAttempts } from "./max-attempts.ts";
import { sqlCheck } from "./sql-check.ts";

export type Kind = StopConditionKind | CombiningKind;

/** In the order in which people are told of them. */
export const KINDS: readonly Kind[] = [
  ...[dbCheck, httpCheck, sqlCheck, expression, deadline, maxAttempts],
  ...[allOf, anyOf, not],
];

export const STOP_CONDITION_TYPES: readonly string[] = KINDS.map((kind) => kind.name);

/**
 * Kinds that need nothing but the row and the one flag that is joined to it: they are answered while firing. All others are
 * asked before. The database's `reminder_is_asked` says the same.
 */
const ANSWERED_WHILE_FIRING = new Set([dbCheck.name, deadline.name, maxAttempts.name]);

const byName = new Map<string, Kind>(KINDS.map((kind) => [kind.name, kind]));

export function kindOf({ type }: Pick<StopCondition, "type">): Kind | undefined {
  return byName.get(type);
}

/** True for a condition that is asked before its reminder fires. One of a kind that nobody knows here is, too. */
export function isAsked(condition: StopCondition | null): condition is StopCondition {
  return condition !== null && !ANSWERED_WHILE_FIRING.has(condition.type);
}

/** True for a condition that may want to know how many messages were sent. */
export function countsSent(condition: StopCondition | null): boolean {
  return condition !== null && (condition.type === maxAttempts.name || isAsked(condition));
}

/** Why a reminder completes whose condition is met. */
export function completionReasonOf(condition: StopCondition | null): CompletionReason {
  const kind = condition && kindOf(condition);
  return (kind && !isCombining(kind) && kind.completionReason) || "stop_condition";
}

export function isCombining(kind: Kind): kind is CombiningKind {
  return "combine" in kind;
}
