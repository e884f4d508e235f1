import type { DeliveryRow, PolicyInput } from "../evidence.ts";
import { type Case, type Court, groupBy } from "./case.ts";
import { owedInstants } from "./regimes.ts";

/** One time that a policy's reminder fired. */
interface Given {
  occurrenceAt: number;
  firedAt: number;
  /** Counted from 0. */
  step: number;
  deliveries: DeliveryRow[];
}

/** How long a policy waits before it looks again whether its message has left. */
const WAITS_MS = 1_000;

type Policed = Case & { input: { policy: PolicyInput } };

/** Steps of a policy come one after the other, each at its time, to whom it names, and once: none is lost, none comes twice. */
export function judgePolicy(one: Case, court: Court): void {
  const { input, row } = one;
  if (!isPoliced(one) || input.isLoose) return;
  const accuse = (what: string) => court.accuse("policy", input.id, what);
  const all = [...groupBy(one.deliveries, ({ occurrenceAt }) => occurrenceAt)].map(
    ([occurrenceAt, deliveries]): Given => {
      const [first] = deliveries as [DeliveryRow];
      return {
        occurrenceAt,
        firedAt: Math.max(first.createdAt, occurrenceAt),
        step: (first.step ?? 0) - 1,
        deliveries,
      };
    },
  );
  const firstAt = Math.max(all[0]?.occurrenceAt ?? 0, row?.createdAt ?? 0);
  const beginsAt = (step: number) => instantOf(one, step, firstAt);
  all.forEach((given, index) => {
    const { step, firedAt, occurrenceAt } = given;
    const name = `occurrence ${occurrenceAt}, step ${step + 1}`;
    judgeAddressees(one, given, court);
    const before = all[index - 1];
    if (!before) {
      if (step !== 0) accuse(`${name} is the first`);
      return;
    }
    const was = wasGiven(before, given);
    if (step !== before.step && step !== before.step + 1) accuse(`${name} came after step ${before.step + 1}`);
    const wasEver = all.some((one, at) => at < index && one.step === before.step && wasGiven(one, given) !== "no");
    if (step === before.step + 1 && !wasEver) accuse(`${name}: the step before was taken back, and is lost`);
    const sends = countSends(all.slice(0, index), given);
    const begin = one.input.policy.steps[step]?.begins;
    if (step === before.step + 1 && begin && "sends" in begin && sends.most < begin.sends)
      accuse(`${name} was given before it began: after ${sends.most} that were sent`);
    if (step === before.step + 1 && firedAt < (beginsAt(step) ?? 0)) accuse(`${name} was given before it began`);
    if (step === before.step && was === "yes" && !mayComeAgain(one, given, before, sends, beginsAt(step + 1)))
      accuse(`${name} was given before`);
    judgeLateness(one, given, before, beginsAt(step), court);
  });
  judgeRest(one, all.at(-1), beginsAt, court);
}

function isPoliced(one: Case): one is Policed {
  return one.input.policy !== null;
}

function judgeAddressees({ input }: Policed, { step, deliveries, occurrenceAt }: Given, court: Court): void {
  const wanted = (input.policy.steps[step]?.to ?? []).toSorted().join(", ");
  const got = deliveries.map(({ recipient }) => recipient ?? "nobody").toSorted();
  if (got.join(", ") !== wanted)
    court.accuse("policy", input.id, `occurrence ${occurrenceAt}, step ${step + 1}, was for ${got} and not ${wanted}`);
}

/** When a step begins; null: after a number of sends. */
function instantOf({ input }: Policed, step: number, firstAt: number): number | null {
  const { begins } = input.policy.steps[step] ?? { begins: { afterMs: 0 } };
  return "sends" in begins ? null : firstAt + begins.afterMs;
}

/** How many occurrences had reached somebody when this one fired. */
function countSends(former: Given[], given: Given): { least: number; most: number } {
  const was = former.map((before) => wasGiven(before, given));
  return { least: was.filter((one) => one === "yes").length, most: was.filter((one) => one !== "no").length };
}

/** Whether a step that was given may be given again: until the next one has begun, or where somebody has asked for it meanwhile. */
function mayComeAgain(
  one: Policed,
  { step, firedAt }: Given,
  before: Given,
  { least }: { least: number },
  nextAt: number | null,
): boolean {
  const { steps } = one.input.policy;
  const next = steps[step + 1]?.begins;
  const hasNotBegun = next && "sends" in next ? least < next.sends : firedAt < (nextAt ?? 0);
  return hasNotBegun && (steps[step]?.isOnce === false || !isUndisturbed(one, before, firedAt));
}

/** Whether somebody had got a step when the next occurrence fired, or might have: then it isn't given again. */
function wasGiven({ deliveries }: Given, { firedAt }: Given): "yes" | "no" | "perhaps" {
  const ended = deliveries.filter(({ status }) => status !== "suppressed");
  if (ended.some(({ finishedAt }) => finishedAt !== null && finishedAt < firedAt)) return "yes";
  return ended.length === 0 && deliveries.every(({ attempts }) => attempts === 0) ? "no" : "perhaps";
}

/** A step that begins at an instant is due at that instant, if it hadn't passed when the step before was given. */
function judgeLateness(one: Policed, given: Given, before: Given, begin: number | null, court: Court): void {
  const { occurrenceAt, firedAt, step } = given;
  const beginsAt = begin ?? 0;
  const isAwaited = step === before.step + 1 && beginsAt > before.firedAt && isUndisturbed(one, before, firedAt);
  const accuse = (rule: string, what: string) =>
    court.accuse(rule, one.input.id, `occurrence ${occurrenceAt}, step ${step + 1}, ${what}`);
  // It waits while the message before is just being sent, and is looked at a little ahead of its time.
  const aheadMs = court.limits.fireAheadMs + court.limits.clockSlackMs;
  const leftBy = storedBy(before.deliveries, firedAt);
  const isInTime = occurrenceAt === beginsAt || (occurrenceAt > beginsAt && leftBy >= beginsAt - aheadMs);
  if (isAwaited && !isInTime) accuse("policy", `was due at ${beginsAt}`);
  const since = Math.max(occurrenceAt, before.firedAt, ...one.input.changes.map(({ until }) => until));
  if (firedAt > court.deadline(since)) accuse("P8", `was fired ${firedAt - occurrenceAt} ms late`);
}

/** What the last one that was given leads to has come about, or hadn't time to. */
function judgeRest(
  one: Policed,
  last: Given | undefined,
  beginsAt: (step: number) => number | null,
  court: Court,
): void {
  const { input, row, regimes, stop } = one;
  const accuse = (what: string) => court.accuse("policy", input.id, what);
  const { steps } = input.policy;
  const isLast = last?.step === steps.length - 1;
  const got = last?.deliveries.some(({ status }) => status !== "suppressed");
  if (row?.completionReason === "policy_ended" && !(isLast && got)) accuse("it ended, and its last step wasn't given");
  if (stop || !isUndisturbed(one, last, court.readAt)) return;
  if (isLast && got && row?.status !== "COMPLETED") accuse(`all its steps were given, and it is ${row?.status}`);
  if (isLast) return;
  const begin = last ? (beginsAt(last.step + 1) ?? 0) : input.runAt;
  const isAwaited = !last || begin > last.firedAt;
  const [byRhythm] = regimes.flatMap((regime) =>
    owedInstants(regime, court.readAt).filter((due) => due > (last?.firedAt ?? 0)),
  );
  const apart = Math.max(0, begin - ((last && beginsAt(last.step)) ?? begin));
  const due = isAwaited ? begunAt(begin, apart, last, court) : byRhythm && begunAt(byRhythm, 0, last, court);
  if (due !== undefined && court.isOwed(due, court.readAt)) accuse(`its next step was due at ${due}, and is lost`);
}

/**
 * When a step can come that begins then, or comes round: it waits, a second at a time, while the message before is just being sent; and behind one that itself
 * has waited it comes as far as the two were to begin apart.
 */
function begunAt(begin: number, apart: number, before: Given | undefined, court: Court): number {
  const leftBy = storedBy(before?.deliveries ?? [], court.readAt);
  return leftBy >= begin ? leftBy + apart + WAITS_MS : begin;
}

/** When everybody could read that these had left: what stores it may wait for a lock that somebody else holds. */
function storedBy(deliveries: DeliveryRow[], otherwise: number): number {
  return Math.max(
    0,
    ...deliveries.map(({ storedAt, finishedAt }) => (finishedAt === null ? otherwise : (storedAt ?? finishedAt))),
  );
}

/** Nobody has changed it from a while before one occurrence on. */
function isUndisturbed({ input }: Policed, since: Given | undefined, until: number): boolean {
  return !input.changes.some((change) => change.until >= (since?.firedAt ?? 0) - 1_000 && change.from <= until);
}
