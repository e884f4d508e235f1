import type { Addressee } from "../../src/core/audience.ts";
import { type DigestWish, togetherAt } from "../../src/core/digest.ts";
import type { World } from "../../src/core/life/world.ts";
import { type CompletesWhen, NO_PEOPLE } from "../../src/core/people.ts";
import type { Person } from "../../src/core/person.ts";
import { type AfterText, type PolicyText, readPolicy, type StepText, type Target } from "../../src/core/policy.ts";
import type { OverBudget, Preferences } from "../../src/core/preferences.ts";
import { quietUntil } from "../../src/core/quiet-hours.ts";
import { NO_REACH, type ReminderRecord } from "../../src/core/reminder.ts";
import { MISFIRE_POLICIES, NO_BOUNDS } from "../../src/core/schedule/kinds.ts";
import type { Random } from "../chaos/random.ts";
import { reminderRecord } from "../support/reminders.ts";
import { apart, DAY, END, HOUR, MINUTE, NIGHT, type Span, START, ZONE } from "./year.ts";

// Lives of reminders that are for several people, go by a policy, and whose people want digests and no more than so many messages a day.

/** One of the people, as the oracle knows them. */
export interface Somebody {
  /** Like `person/0`. */
  name: string;
  address: string;
  manager: string | null;
  /** Who stands in for them, and until when. */
  delegate: { name: string; until: number } | null;
  isOut: boolean;
  digest: DigestWish | null;
  budget: { perDay: number; over: OverBudget } | null;
}

export interface Crowd {
  reminder: ReminderRecord;
  world: World;
  people: ReadonlyMap<string, Somebody>;
  /** Null: it is for the one that it is about, `person/0`. */
  recipients: readonly string[] | null;
  /** How many of them must have done theirs. */
  quorum: number;
  policy: PolicyText | null;
  deadlineAt: number;
  isQuiet: boolean;
}

export const BOSS = "boss@example.com";
/** No such life fires more often. */
const MOST_OCCURRENCES = 40;
const EVENT = "payment";

export function drawCrowd(random: Random, seed: number): Crowd {
  const people = drawPeople(random);
  const names = [...people.keys()];
  const recipients = random.chance(0.6) ? names.slice(0, 1 + Math.floor(random.between(0, names.length))) : null;
  const completesWhen = random.pick<CompletesWhen>(["any", "all", "all", { quorum: 2 }]);
  const intervalMinutes = random.pick([60, 360, 1_440, 1_440, 4_320]);
  const livesMs = Math.min(60 * DAY, MOST_OCCURRENCES * intervalMinutes * MINUTE);
  const runAt = START + Math.floor(random.between(0, 2 * DAY));
  const deadlineAt = runAt + Math.floor(random.between(0, 1) * livesMs);
  const policy = random.chance(0.7) ? drawPolicy(random, names) : null;
  const reminder = reminderRecord({
    ...{ id: seed, entityType: "person", entityId: "0", eventType: EVENT, createdAt: START, updatedAt: START, runAt },
    schedule: random.chance(0.9) ? { type: "recurring", intervalMinutes, anchorAt: runAt } : { type: "one_time" },
    nextRunAt: runAt,
    bounds: { ...NO_BOUNDS, maxOccurrences: MOST_OCCURRENCES, misfirePolicy: random.pick(MISFIRE_POLICIES) },
    people: {
      ...NO_PEOPLE,
      ...{ policy: policy?.name ?? null, deadlineAt, completesWhen },
      recipients: recipients?.map((name) => ({ contact: named(name) })) ?? null,
    },
  });
  const isQuiet = random.chance(0.2);
  const world = drawWorld(random, { people, policy, recipients, runAt, livesMs, isQuiet });
  const all = recipients?.length ?? 1;
  const quorum = completesWhen === "any" ? 1 : completesWhen === "all" ? all : Math.min(all, 2);
  return { reminder, world, people, recipients, quorum, policy, deadlineAt, isQuiet };
}

function drawPeople(random: Random): Map<string, Somebody> {
  const count = 1 + Math.floor(random.between(0, 4));
  const names = Array.from({ length: count }, (_, n) => `person/${n}`);
  return new Map(
    names.map((name, n): [string, Somebody] => {
      const other = random.pick(names);
      const isAway = random.chance(0.15) && other !== name;
      return [
        name,
        {
          ...{ name, address: `${n}@example.com`, manager: random.chance(0.5) ? other : null },
          delegate: isAway ? { name: other, until: START + Math.floor(random.between(0, 20 * DAY)) } : null,
          isOut: random.chance(0.07),
          digest: random.chance(0.3) ? drawDigest(random) : null,
          budget: random.chance(0.3)
            ? { perDay: random.pick([1, 2, 5]), over: random.pick<OverBudget>(["hold", "digest"]) }
            : null,
        },
      ];
    }),
  );
}

/** At hours that every day has. */
function drawDigest(random: Random): DigestWish {
  return random.pick<DigestWish>([
    { window_minutes: 60 },
    { window_minutes: 240 },
    { window_minutes: 1_440 },
    { at: ["08:00"] },
    { at: ["16:30", "08:00"] },
  ]);
}

function drawPolicy(random: Random, names: readonly string[]): PolicyText {
  const to = (): Target[] =>
    random.pick<Target[]>([
      ["recipient"],
      ["recipient"],
      ["manager"],
      ["recipient", "manager"],
      [{ contact: named(random.pick(names)) }],
      [{ address: BOSS }],
    ]);
  const after = (): AfterText =>
    random.pick<AfterText>([
      { sends: 1 + Math.floor(random.between(0, 4)) },
      { elapsed: `PT${1 + Math.floor(random.between(0, 100))}H` },
      { deadline: random.pick(["-P1D", "PT0S", "PT30H"]) },
    ]);
  const steps: StepText[] = [];
  for (const place of [0, 1, 2].slice(0, 1 + Math.floor(random.between(0, 3)))) {
    const isRepeated = (steps.at(-1)?.repeat ?? null) !== null;
    const drawn = place === 0 ? (random.chance(0.2) ? after() : null) : after();
    steps.push({
      to: to(),
      after: isRepeated && (random.chance(0.5) || (drawn && "sends" in drawn)) ? null : drawn,
      interval_minutes: random.chance(0.5) ? random.pick([30, 180, 1_440]) : null,
      repeat: random.chance(0.4) ? 1 + Math.floor(random.between(0, 3)) : null,
    });
  }
  return { name: "chase", steps, rotas: {} };
}

interface Around extends Pick<Crowd, "people" | "policy" | "recipients" | "isQuiet"> {
  runAt: number;
  livesMs: number;
}

function drawWorld(random: Random, around: Around): World {
  const { people, policy, recipients, runAt, livesMs, isQuiet } = around;
  const soon = (): number => runAt + Math.floor(random.between(-0.02, 1) * random.next() * livesMs);
  const outages = some(random, 2, () => ({ from: soon(), ms: random.pick([500, MINUTE, 5 * HOUR, 3 * DAY]) }));
  const receiver = random.fork("receiver");
  const moods = { sent: random.between(1, 8), retrying: random.next(), failed: 0.1 * random.next(), unknown: 0.05 };
  const isKind = random.chance(0.4);
  const slowest = random.pick([0, 200, 90_000]);
  const contacts = new Map([...people.values()].map((one) => [one.name, toContact(one)]));
  const whoseIs = (to: Addressee | null) => people.get(to?.addressed.via ?? to?.addressed.person ?? "");
  return {
    until: END,
    stopMetAt: random.chance(0.3) ? soon() : null,
    stopHeardAfterMs: random.pick([0, 5_000, 3 * DAY]),
    outages: random.chance(0.5) ? apart(outages.map(({ from, ms }): Span => ({ from, until: from + ms }))) : [],
    wishes: random.chance(0.7) ? drawWishes(random, soon, recipients ?? []) : [],
    receive: () => ({
      answer: isKind ? "sent" : receiver.weighted(moods),
      takesMs: Math.floor(receiver.between(0, slowest)),
    }),
    retry: { maxAttempts: 1 + Math.floor(random.between(0, 5)), baseSeconds: 15, factor: 4, capSeconds: 3 * 3_600 },
    draw: receiver.next,
    audience: {
      known: {
        policy: policy && readPolicy(JSON.stringify(policy)),
        ...{ wasGiven: true, contacts, done: new Set(), flaw: null },
      },
      ways: { addressOf: (_channel, contact) => contact.email },
    },
    ...(isQuiet && { quietUntil: (at: number) => quietUntil(at, NIGHT, ZONE) }),
    gathersUntil: (occurrenceAt, now, to) => {
      const digest = whoseIs(to)?.digest;
      if (!digest) return null;
      return togetherAt({ preferences: { digest }, eventType: EVENT, zone: ZONE }, { occurrenceAt, now });
    },
    budgetOf: (to) => {
      const one = whoseIs(to);
      return one?.budget ? { name: one.name, ...one.budget } : null;
    },
  };
}

type Wished = World["wishes"][number];

function drawWishes(random: Random, soon: () => number, recipients: readonly string[]): Wished[] {
  const wishes = some(random, 6, (): Wished[] => {
    const at = Math.max(START, soon());
    const until = at + random.pick([HOUR, 5 * HOUR, DAY, 7 * DAY]) + Math.floor(random.between(0, HOUR));
    switch (random.weighted({ pause: 3, silence: 5, person: 5, trigger: 2, delete: 1, wake: 1, done: 0.5 })) {
      case "pause": {
        const back = at + Math.floor(random.between(0, 5 * DAY));
        return [{ at, wish: "pause" }, ...(random.chance(0.8) ? [{ at: back, wish: "resume" } as const] : [])];
      }
      case "silence":
        return [{ at, wish: { kind: random.pick(["snooze", "promise"] as const), until } }];
      case "person":
        return recipients.length > 0 ? [{ at, wish: { kind: "person_done", person: random.pick(recipients) } }] : [];
      case "delete":
        return [{ at, wish: "delete" }, ...(random.chance(0.8) ? [{ at: until, wish: "restore" } as const] : [])];
      case "wake":
        return [{ at, wish: { kind: "wake" } }];
      case "done":
        return [{ at, wish: { kind: "done" } }];
      default:
        return [{ at, wish: "trigger" }];
    }
  });
  return wishes.flat().toSorted((a, b) => a.at - b.at);
}

function some<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: Math.floor(random.between(0, most + 1)) }, make);
}

function named(name: string): { entity_type: string; entity_id: string } {
  const [entity_type = "", entity_id = ""] = name.split("/");
  return { entity_type, entity_id };
}

function contactName(name: string): { entityType: string; entityId: string } {
  const { entity_type: entityType, entity_id: entityId } = named(name);
  return { entityType, entityId };
}

function toContact({ name, address, manager, delegate, isOut }: Somebody): Person {
  const preferences: Preferences | null = isOut ? { opt_out: [EVENT] } : null;
  return {
    ...NO_REACH,
    ...contactName(name),
    ...{ name, email: address, timeZone: ZONE, locale: null, quietHours: null, preferences },
    manager: manager === null ? null : contactName(manager),
    delegate: delegate && contactName(delegate.name),
    delegateUntil: delegate?.until ?? null,
  };
}
