import { type ContactWish, drawZone, timeOfDay } from "./contacts.ts";
import { MOODY } from "./moody.ts";
import type { Random } from "./random.ts";
import { type Drawing, drawFlag, MINUTE, plainWish, type Wish } from "./wishes.ts";

// Several reminders of one person, who wants them together, or not too many a day.

/** So long before a digest leaves its reminders must be there at least. */
const IN_TIME_MS = 2_500;
/** Of these a person wants no digest. */
const URGENT = "urgent";

/** A person who wants what has come together at times, and their reminders: due by then, just after, and some that don't wait. */
export function drawGathered(random: Random, { count, now }: Drawing): Wish[] {
  const endsAt = Math.floor((now + IN_TIME_MS) / MINUTE) * MINUTE;
  const [entity, leavesAt] = [`crowd-${count}`, endsAt + MINUTE];
  const times = random.chance(0.4) ? [0, 1, 2, 3].map((n) => endsAt + n * MINUTE) : [endsAt];
  const digest = times.map(timeOfDay);
  const isCapped = random.chance(0.25);
  const preferences = { digest: { times: digest, except: [URGENT] }, ...(isCapped ? drawBudget(random) : {}) };
  const contact = drawContact(random, entity, preferences);
  return drawMembers(random, entity, contact, count)
    .map((wish, member) => {
      if (random.chance(0.15)) return { ...wish, event: URGENT, ...dueSoon(random, now) };
      const isLater = member > 1 && random.chance(0.2);
      const runAt = isLater ? random.between(Math.max(now, endsAt), leavesAt) : endsAt - random.between(0, MINUTE * 2);
      const isSharp = !isLater && random.chance(0.3);
      return {
        ...wish,
        kind: "gathered" as const,
        digest,
        runAt: isSharp ? endsAt : Math.round(runAt),
        aroundAt: leavesAt,
      };
    })
    .filter(isFirstOfItsEvent);
}

/** A person who wants no more than so many a day, and more reminders than that. */
export function drawBudgeted(random: Random, { count, now }: Drawing): Wish[] {
  const entity = `few-${count}`;
  const contact = drawContact(random, entity, drawBudget(random));
  return drawMembers(random, entity, contact, count).map((wish) => ({ ...wish, ...dueSoon(random, now) }));
}

function drawBudget(random: Random): NonNullable<ContactWish["preferences"]> {
  return { perDay: 1 + Math.floor(random.between(0, 3)), isTogether: random.chance(0.5) };
}

function drawContact(random: Random, entity: string, preferences: ContactWish["preferences"]): ContactWish {
  const email = `${random.chance(0.2) ? MOODY : ""}${entity}@example.org`;
  return { email, zone: drawZone(random), preferences: preferences ?? {} };
}

function drawMembers(random: Random, entity: string, contact: ContactWish, count: number): Wish[] {
  const perDay = contact.preferences?.perDay;
  return Array.from({ length: 3 + Math.floor(random.between(0, 4)) }, (_, member) => {
    const event = `matter-${member}`;
    const wish = { ...plainWish(entity, event, 0), kind: "budgeted" as const, contact };
    const intervalMs = random.chance(0.4) ? MINUTE : null;
    const budget = perDay ? { person: entity, perDay } : null;
    return { ...wish, intervalMs, budget, flag: drawFlag(random, wish, count) };
  });
}

function dueSoon(random: Random, now: number): Pick<Wish, "runAt" | "aroundAt"> {
  const runAt = Math.round(now + random.between(-200, 9_000));
  return { runAt, aroundAt: runAt };
}

function isFirstOfItsEvent({ event }: Wish, place: number, all: Wish[]): boolean {
  return all.findIndex((other) => other.event === event) === place;
}
