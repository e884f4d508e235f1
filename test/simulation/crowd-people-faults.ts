import { BOSS, type Crowd } from "./crowd.ts";
import type { Fired, Story } from "./crowd-story.ts";

// What docs/guide/people.md says of whom a message is for. Nothing here asks the core.

const iso = (at: number): string => new Date(at).toISOString();

/** Each message of an occurrence goes to whom the guides say, once; and it is done when as many have done theirs as it takes. */
export function faultInPeople(crowd: Crowd, { fired, doneAt, enoughAt, end }: Story): string | null {
  for (const one of fired) {
    const expected = addressesOf(crowd, one, doneAt);
    const got = one.deliveries.map(({ to }) => to?.recipient ?? "").toSorted();
    if (got.join() !== expected.join())
      return `${iso(one.occurrenceAt)} was for ${got.join(" and ")}, not for ${expected.join(" and ")}`;
    const unwelcome = faultInWelcome(crowd, one, doneAt);
    if (unwelcome) return unwelcome;
  }
  if (enoughAt !== null && end.reminder.status !== "COMPLETED") return "enough have done theirs, and it goes on";
  if (end.reminder.completionReason === "people_done" && enoughAt === null) return "too few have done theirs";
  return null;
}

/** To which addresses an occurrence goes. */
function addressesOf(crowd: Crowd, one: Fired, doneAt: ReadonlyMap<string, number>): string[] {
  return [...new Set(namesOf(crowd, one, doneAt).map((name) => addressThen(crowd, name, one.at)))].toSorted();
}

/**
 * An address gets something if somebody wants it there: for whom it is, and who stands in for them, have both not opted out, and they haven't
 * done theirs.
 */
function faultInWelcome(crowd: Crowd, one: Fired, doneAt: ReadonlyMap<string, number>): string | null {
  const { people } = crowd;
  const isOut = (name: string): boolean => people.get(name)?.isOut === true;
  for (const { to } of one.deliveries) {
    const there = namesOf(crowd, one, doneAt).filter((name) => addressThen(crowd, name, one.at) === to?.recipient);
    const isWanted = there.some(
      (name) => !isOut(name) && !isOut(standInThen(crowd, name, one.at)) && !hasDone(name, one.at, doneAt),
    );
    if (isWanted !== (to?.optedOut === null))
      return `${to?.recipient} ${isWanted ? "got nothing" : "got something"} of ${iso(one.occurrenceAt)}, for ${there.join(" and ")}`;
  }
  return null;
}

/** Whom an occurrence is for: by its step's targets or, where these are nobody, as without one. */
function namesOf(crowd: Crowd, { at, course }: Fired, doneAt: ReadonlyMap<string, number>): string[] {
  const { people, policy, recipients } = crowd;
  const own = (recipients ?? ["person/0"]).filter((name) => recipients === null || !hasDone(name, at, doneAt));
  const number = course?.step.number ?? 0;
  const targets = number === 0 ? ["recipient" as const] : (policy?.steps[number - 1]?.to ?? []);
  const wanted = targets.flatMap((target) => {
    if (target === "recipient") return own;
    if (target === "manager") {
      const whose = own.length > 0 ? own : ["person/0"];
      return whose.flatMap((name) => people.get(name)?.manager ?? []);
    }
    if ("contact" in target) return [`${target.contact.entity_type}/${target.contact.entity_id}`];
    return [BOSS];
  });
  return wanted.length > 0 ? wanted : own;
}

/** Done before it fired, or by then: people come first. */
function hasDone(name: string, at: number, doneAt: ReadonlyMap<string, number>): boolean {
  return (doneAt.get(name) ?? Number.POSITIVE_INFINITY) <= at;
}

function addressThen(crowd: Crowd, name: string, at: number): string {
  return name === BOSS ? BOSS : (crowd.people.get(standInThen(crowd, name, at))?.address ?? "");
}

/** Whoever stands in for somebody, and for those in turn; in a circle nobody does. */
function standInThen({ people }: Crowd, name: string, at: number): string {
  const seen = [name];
  for (let present = people.get(name); present; present = people.get(seen.at(-1) ?? "")) {
    const { delegate } = present;
    if (!delegate || delegate.until <= at) return seen.at(-1) ?? name;
    if (seen.includes(delegate.name)) return name;
    seen.push(delegate.name);
  }
  return name;
}
