import { canonicalJson } from "../core/canonical-json.ts";
import type { StopCondition } from "../core/reminder.ts";
import { readAnswer, type StopAnswer } from "../core/stop.ts";
import type { StopSubject } from "../core/stop-subject.ts";
import { MOST_MICROSECONDS } from "./cel/cost.ts";
import { readable } from "./check.ts";
import { type Asking, CannotAsk, type Entity, type StopConditionKind } from "./condition.ts";
import { isAsked, isCombining, kindOf } from "./registry.ts";

/** What has to be asked outside, everything filled in. */
export interface Question {
  /** The same for what is the same question: one answer serves all that ask it. */
  key: string;
  /** Whom it asks. */
  service: string;
  kind: StopConditionKind;
  condition: StopCondition;
  subject: StopSubject;
}

/** The answers from outside that are known, by the question's key. */
export type Known = (key: string) => StopAnswer | null;

export const NOTHING_KNOWN: Known = () => null;

/**
 * Whether the thing is done, as far as it can be said by what was read and by the answers that are known; else the first
 * question on which it still depends. Pure as far as `known` is.
 */
export function evaluate(condition: StopCondition | null, subject: StopSubject, known: Known): StopAnswer | Question {
  if (condition === null) return readAnswer("not_met", "there is no stop condition");
  const kind = kindOf(condition);
  if (kind && !isAsked(condition)) return answerNow(kind as StopConditionKind, condition, subject);
  return work(condition, { ...subject, effort: { left: MOST_MICROSECONDS } }, known);
}

function work(condition: StopCondition, subject: StopSubject, known: Known): StopAnswer | Question {
  const kind = kindOf(condition);
  if (!kind) return readAnswer("unknown", `stop condition type "${condition.type}" is not known here`);
  // Plain SQL can write what the API would have refused.
  const checked = readable(condition);
  if ("flaw" in checked) return readAnswer("unknown", checked.flaw);
  if (isCombining(kind)) {
    const outcomes = kind.parts(checked).map((part) => work(part.condition, subject, known));
    const combined = kind.combine(outcomes.map((outcome) => (isQuestion(outcome) ? null : outcome)));
    return combined ?? (outcomes.find(isQuestion) as Question);
  }
  try {
    if (!kind.asksOutside) return answerNow(kind, checked, subject);
    const question = questionOf(kind, checked, subject);
    return known(question.key) ?? question;
  } catch (error) {
    // Kinds work on what anybody may have written.
    const { message } = error as Error;
    return readAnswer("unknown", error instanceof CannotAsk ? message : `${kind.name} can't be answered: ${message}`);
  }
}

export function isQuestion(outcome: StopAnswer | Question): outcome is Question {
  return "key" in outcome;
}

/** The answer, for what is known without asking outside; whatever isn't is `unknown`. */
export function stopAnswer(condition: StopCondition | null, subject: StopSubject): StopAnswer {
  const outcome = evaluate(condition, subject, NOTHING_KNOWN);
  return isQuestion(outcome) ? notAsked(outcome) : outcome;
}

/** What can be said of a question that nobody is asked. */
export function notAsked({ service }: Question): StopAnswer {
  return readAnswer("unknown", `only ${service} can say`);
}

/** The flags that a condition names, those of its parts included. */
export function flagKeysOf(condition: StopCondition | null, entity: Entity): readonly string[] {
  const kind = condition && kindOf(condition);
  if (!kind) return [];
  const checked = isAsked(condition) ? readable(condition) : condition;
  if ("flaw" in checked) return [];
  if (isCombining(kind)) return kind.parts(checked).flatMap((part) => flagKeysOf(part.condition, entity));
  return kind.flagKeys?.(checked, entity) ?? [];
}

/** What doesn't ask outside is answered at once, and uses nothing to ask with. */
const NOBODY = new Proxy({} as Asking, {
  get: (_, name) => {
    throw new Error(`a stop condition that doesn't ask outside wants ${String(name)}`);
  },
});

function answerNow(kind: StopConditionKind, condition: StopCondition, subject: StopSubject): StopAnswer {
  return kind.answer(condition, subject, NOBODY) as StopAnswer;
}

function questionOf(kind: StopConditionKind, condition: StopCondition, subject: StopSubject): Question {
  const { reminder } = subject;
  const { value, settings } = condition;
  const text = kind.question?.(condition, subject) ?? canonicalJson([reminder.id, value, settings, reminder.data]);
  return {
    key: canonicalJson([reminder.tenantId, kind.name, text]),
    service: kind.service?.(condition, subject) ?? kind.name,
    ...{ kind, condition, subject },
  };
}
