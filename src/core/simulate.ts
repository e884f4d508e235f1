import { type Answer, answerTo } from "./answer.ts";
import { type Addressee, type Audience, addressees, type Ways } from "./audience.ts";
import { completionAfter, type Decision, type DueReminder, decide, type Facts } from "./decide.ts";
import type { Course, Escalating } from "./escalation.ts";
import { askAgainMs, DEFAULT_HOLD, type HoldPolicy } from "./hold.ts";
import { type LifecycleAction, transition } from "./lifecycle.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { Addressed } from "./people.ts";
import { recheck } from "./recheck.ts";
import type { CompletionReason, DeliveryStatus, Instant, ReminderRecord } from "./reminder.ts";
import { type RetryPolicy, retryDelayMs } from "./retry.ts";
import { NO_CALENDARS } from "./schedule/by-calendar.ts";
import { timetableOf } from "./schedule/schedule.ts";
import { PLAIN_SURROUNDINGS, type Surroundings } from "./schedule/surroundings.ts";
import { readAnswer } from "./stop.ts";
import { type ReminderEdit, update } from "./update.ts";

/** What a reminder meets. */
export interface World {
  /** When the simulation begins; not set: when the reminder was created. */
  from?: Instant;
  /** When the simulation ends. */
  until: Instant;
  /** When the stop condition becomes true; null: never. */
  stopMetAt: Instant | null;
  /** What a decision rests on then, where more is to be known than when the stop condition is met. */
  facts?(about: Asked): FactsThen;
  /** When nobody can say whether it is met: in order, none touching another; not set: never. */
  silences?: readonly { from: Instant; until: Instant }[];
  /** What is done then; not set: the usual. */
  hold?: HoldPolicy;
  /** How long a worker may take to hear of that by itself: until then it only finds out by asking. */
  stopHeardAfterMs: number;
  /** When no worker works: in order, none touching another. What is on its way when one begins is lost with its worker. */
  outages: readonly { from: Instant; until: Instant }[];
  /** What people do, in order. */
  wishes: readonly { at: Instant; wish: LifecycleAction | Answer | ReminderEdit }[];
  /** What the receiver makes of a try, and how long it takes. */
  receive(attempt: Attempt): { answer: "sent" | "retrying" | "failed" | "unknown"; takesMs: number };
  retry: RetryPolicy;
  /** A number in [0, 1) for each retry's wait. */
  draw(): number;
  /** What is kept of the reminder beside its record; not set: nothing unusual. */
  standing?: Standing;
  /** True when its due instant was worked out by older rules of its time zone. */
  isOutdated?: boolean;
  /** The contact's time zone, else the tenant's; not set: UTC. */
  zone?: string | null;
  /** The calendar that it goes by, as the store keeps it; not set: none. */
  calendar?: string | null;
  /**
   * When the quiet hours that hold an instant end, for whom a message is, null for whom the reminder is for; null: none hold it.
   * Not set: there are none.
   */
  quietUntil?(at: Instant, addressed: Addressed | null): Instant | null;
  /** When a message goes along with others of its person; null: by itself. Not set: each does. */
  gathersUntil?(occurrenceAt: Instant, now: Instant, to: Addressee | null): Instant | null;
  /** The people that it may be for, and how they are reached; not set: it goes to one. */
  audience?: { known: Audience; ways: Ways } | null;
  /** Ends the simulation once so many occurrences have fired; not set: no limit. */
  mostOccurrences?: number;
}

/** Of which reminder facts are asked, and when. */
export interface Asked {
  reminder: ReminderRecord;
  now: Instant;
  /** How many of its messages were sent. */
  sentCount: number;
}

export interface FactsThen extends Facts {
  /** True where the condition wants to know how many messages were sent, so that it is asked again after each. */
  countsSent?: boolean;
  /** True where what nobody can say holds the reminder, and is asked again; else such a reminder is paused. */
  isAsked?: boolean;
}

/** See `DueReminder`, and how many messages were sent before. */
export interface Standing extends Pick<DueReminder, "wasHeld" | "countedFrom"> {
  sentCount: number;
  /** It is held, and its condition isn't asked again before then; not set: it isn't. */
  askAt?: Instant | null;
}

export interface Attempt {
  occurrenceAt: Instant;
  /** 1 is the first. */
  number: number;
  at: Instant;
}

export interface SimulatedDelivery {
  occurrenceAt: Instant;
  firedAt: Instant;
  /** Whom it is for; null: there is only one. */
  to: Addressee | null;
  /** Due instants that this one stood for besides its own. */
  missed: number;
  status: DeliveryStatus;
  /** Why it was suppressed; null where it wasn't. */
  because: string | null;
  attempts: Attempt[];
}

/** What becomes of a reminder, but for what its deliveries tell themselves. */
export type Happening =
  /** The deliveries go on changing until they have ended. */
  | {
      kind: "fired";
      at: Instant;
      occurrenceAt: Instant;
      missed: number;
      deliveries: SimulatedDelivery[];
      course: Course | null;
    }
  | { kind: "skipped"; at: Instant; occurrenceAt: Instant; missed: number }
  | { kind: "completed"; at: Instant; reason: CompletionReason; because: string; insteadOf: Instant | null }
  /** Not to fire again unless a person says so. */
  | { kind: "paused"; at: Instant; because: string; insteadOf: Instant }
  /** Not to fire until somebody can say whether it is done, which nobody will in this world. */
  | { kind: "held"; at: Instant; because: string; insteadOf: Instant };

export interface Simulation {
  /** The reminder as it is in the end. */
  reminder: ReminderRecord;
  deliveries: SimulatedDelivery[];
  /** Due instants that its misfire policy let go by without a message, one catch-up's apart. */
  skipped: number;
}

/** A delivery that hasn't ended. */
interface Open extends SimulatedDelivery {
  /** When its next try may begin or, while it is being sent, when the receiver answers. */
  nextAt: Instant;
  answer: "sent" | "retrying" | "failed" | "unknown" | null;
}

/**
 * The life of a reminder in a world of which everything is known: the engine's decisions without its clock, database and
 * network. Pure as far as `receive` and `draw` are. Previews and the simulation test ask it.
 */
export function simulate(start: ReminderRecord, world: World): Simulation {
  const steps = live(start, world);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same step by step, for whoever wants to know in between, or to stop: each gives what happened, and how it stands then. */
export function* live(
  start: ReminderRecord,
  world: World,
): Generator<{ happened: Happening | null; reminder: ReminderRecord }, Simulation> {
  const life = new Life(start, world);
  while (life.step()) yield { happened: life.happened, reminder: life.reminder };
  return { reminder: life.reminder, deliveries: life.deliveries, skipped: life.skipped };
}

const SOMEBODY = { who: "somebody", details: {} };
const MET = readAnswer("met", "the stop condition is met");
const NOT_MET = readAnswer("not_met", "the stop condition is not met");
const UNKNOWN = readAnswer("unknown", "nobody answers");

class Life {
  reminder: ReminderRecord;
  readonly deliveries: SimulatedDelivery[] = [];
  skipped = 0;
  /** In the newest step. */
  happened: Happening | null = null;
  readonly #world: World;
  #now: Instant;
  #standing: Standing;
  #isOutdated: boolean;
  #open: Open[] = [];
  /** How often in a row nobody could say, and until when it isn't asked again. */
  #unknownCount = 0;
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** How often it has fired here, and the messages of the newest time. */
  #fired = 0;
  #newest: readonly SimulatedDelivery[] = [];
  /** It is done at once, since nobody wanted its last message. */
  #unwanted: { reason: CompletionReason; because: string } | null = null;
  #wishesDone = 0;
  #outagesPassed = 0;

  constructor(start: ReminderRecord, world: World) {
    this.reminder = start;
    this.#world = world;
    this.#now = world.from ?? start.createdAt;
    this.#standing = world.standing ?? { sentCount: 0 };
    this.#heldUntil = this.#standing.askAt ?? Number.NEGATIVE_INFINITY;
    this.#isOutdated = world.isOutdated ?? false;
  }

  /** Goes on to the next thing that happens; false when nothing does any more. Of what happens at once, people come first. */
  step(): boolean {
    if (this.#unwanted && this.#isActive) {
      this.#complete(this.#unwanted.reason, this.#unwanted.because);
      this.#unwanted = null;
      return true;
    }
    const { wishes, until, mostOccurrences = Number.POSITIVE_INFINITY } = this.#world;
    const wish = wishes[this.#wishesDone];
    const delivery = this.#nextDelivery();
    const at = {
      wish: wish ? Math.max(wish.at, this.#now) : Number.POSITIVE_INFINITY,
      settle: this.#settlesAt(),
      delivery: delivery?.nextAt ?? Number.POSITIVE_INFINITY,
      fire: this.#firesAt(),
    };
    const next = Math.min(at.wish, at.settle, at.delivery, at.fire);
    if (next > until || !Number.isFinite(next) || this.#fired >= mostOccurrences) return false;
    this.#now = next;
    this.happened = null;
    if (wish && next === at.wish) this.#grant(wish.wish);
    else if (next === at.settle) this.#complete("stop_condition", this.#facts.stop.because);
    else if (delivery && next === at.delivery) this.#advance(delivery);
    else this.#fire();
    return true;
  }

  #grant(wish: LifecycleAction | Answer | ReminderEdit): void {
    this.#wishesDone += 1;
    const lastOutcome = this.deliveries.at(-1)?.status ?? null;
    const moment = { now: this.#now, lastOutcome, ...this.#surroundings };
    const granted =
      typeof wish === "string"
        ? transition(wish, this.reminder, moment)
        : "kind" in wish
          ? answerTo(this.reminder, wish, SOMEBODY, moment)
          : update(this.reminder, wish, this.#now, this.#surroundings);
    if (granted.kind === "changed") this.reminder = { ...granted.reminder, updatedAt: this.#now };
  }

  /** When a worker hears of the stop condition: once, and only what is ACTIVE then. */
  #settlesAt(): Instant {
    const { stopMetAt, stopHeardAfterMs } = this.#world;
    if (stopMetAt === null || !this.#isActive) return Number.POSITIVE_INFINITY;
    const heardAt = this.#workedFrom(stopMetAt + stopHeardAfterMs);
    return heardAt >= this.#now ? heardAt : Number.POSITIVE_INFINITY;
  }

  #firesAt(): Instant {
    const { nextRunAt } = this.reminder;
    if (nextRunAt === null || !this.#isActive) return Number.POSITIVE_INFINITY;
    return this.#workedFrom(Math.max(nextRunAt, this.#now, this.#heldUntil));
  }

  #fire(): void {
    const { nextRunAt, nextWallAt, lastOccurrenceAt, createdAt, occurrenceCount } = this.reminder;
    if (nextRunAt === null) return;
    const { silence } = this.reminder;
    const isOutdated = this.#isOutdated;
    const due = { nextRunAt, nextWallAt, lastOccurrenceAt, createdAt, occurrenceCount, isOutdated, silence };
    const { zone = null, calendar = null } = this.#world;
    const timetable = timetableOf(this.reminder, zone, calendar);
    const { sentCount, askAt, ...standing } = this.#standing;
    const decision = decide({ ...due, ...standing, timetable, escalating: this.#escalating }, this.#facts, this.#now);
    this.#isOutdated = false;
    if (decision.kind === "hold" && this.#world.silences) {
      this.#heldUntil = this.#askAgainAt();
      this.#standing = { ...this.#standing, wasHeld: true };
      return;
    }
    this.#unknownCount = 0;
    this.#standing = { ...this.#standing, wasHeld: false };
    if (decision.kind === "complete") {
      this.#complete(decision.reason, decision.because, nextRunAt);
      return;
    }
    if (decision.kind === "hold" && this.#facts.isAsked) {
      this.#heldUntil = Number.POSITIVE_INFINITY;
      this.happened = { kind: "held", at: this.#now, because: decision.because, insteadOf: nextRunAt };
      return;
    }
    if (decision.kind === "pause" || decision.kind === "hold") {
      // What is in the row itself nobody will ever be able to say: the engine pauses it, too.
      this.reminder = { ...this.reminder, status: "PAUSED" };
      this.happened = { kind: "paused", at: this.#now, because: decision.because, insteadOf: nextRunAt };
      return;
    }
    this.reminder = { ...this.reminder, nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
    if (decision.kind !== "send") {
      if (decision.kind === "skip") {
        const { occurrenceAt, missed } = decision;
        this.skipped += missed;
        this.happened = { kind: "skipped", at: this.#now, occurrenceAt, missed };
      }
      return;
    }
    this.reminder = {
      ...this.reminder,
      lastRunAt: this.#now,
      lastOccurrenceAt: decision.occurrenceAt,
      occurrenceCount: occurrenceCount + 1,
    };
    this.#sendAll(decision);
  }

  #sendAll({ occurrenceAt, missed, course: said }: Extract<Decision, { kind: "send" }>): void {
    const course = said ?? null;
    const wanted = this.#wanted(course);
    const fired = wanted.map((to): Open => {
      const because = to?.optedOut ?? null;
      const status = because === null ? "pending" : "suppressed";
      const goesAt = this.#world.gathersUntil?.(occurrenceAt, this.#now, to) ?? this.#now;
      const at = { firedAt: this.#now, nextAt: this.#workedFrom(goesAt) };
      return { occurrenceAt, ...at, to, missed, status, because, attempts: [], answer: null };
    });
    const isUnwanted = fired.every(({ status }) => status === "suppressed");
    if (course) {
      const escalation = { ...course.escalation, isVoid: isUnwanted };
      this.reminder = { ...this.reminder, people: { ...this.reminder.people, escalation } };
    }
    this.#fired += 1;
    this.#newest = fired;
    this.deliveries.push(...fired);
    this.happened = { kind: "fired", at: this.#now, occurrenceAt, missed, deliveries: fired, course };
    if (isUnwanted && this.reminder.nextRunAt === null) {
      const isOnce = this.reminder.schedule.type === "one_time";
      const reason = isOnce ? "opted_out" : (completionAfter("sent", this.reminder) ?? "schedule_ended");
      this.#unwanted = { reason, because: fired[0]?.because ?? "nobody is left to be told" };
    }
    for (const delivery of fired) {
      if (delivery.status === "suppressed") continue;
      this.#open.push(delivery);
      if (delivery.nextAt <= this.#now) this.#advance(delivery);
    }
  }

  /** Whom an occurrence is for; one null: whom the reminder is for. */
  #wanted(course: Course | null): (Addressee | null)[] {
    const { audience } = this.#world;
    if (!audience) return [null];
    return addressees(this.reminder, course?.step ?? null, audience.known, audience.ways, this.#now);
  }

  get #escalating(): Escalating | null {
    const { policy, wasGiven } = this.#world.audience?.known ?? { policy: null, wasGiven: true };
    if (policy === null) return null;
    const { escalation, deadlineAt } = this.reminder.people;
    return {
      policy,
      escalation,
      deadlineAt,
      wasGiven: this.#newest.length === 0 ? (wasGiven ?? true) : this.#wasGiven,
    };
  }

  get #wasGiven(): boolean | null {
    if (this.#newest.some((one) => this.#isGiven(one))) return true;
    return this.#newest.some(({ status }) => status === "sending") ? null : false;
  }

  /** As the store has it, see `readAudiences`. */
  #isGiven({ status, attempts }: SimulatedDelivery): boolean {
    if (status === "pending" || status === "retrying" || status === "sending")
      return this.reminder.bounds.misfirePolicy === "all" || (status === "retrying" && attempts.length > 0);
    return status !== "suppressed";
  }

  /** Begins the next try of a delivery, or hears what became of the one under way. */
  #advance(delivery: Open): void {
    const { answer } = delivery;
    delivery.answer = null;
    if (answer === null) this.#begin(delivery);
    else if (answer === "retrying") this.#retry(delivery);
    else this.#end(delivery, answer);
  }

  #begin(delivery: Open): void {
    const { occurrenceAt, attempts } = delivery;
    const { misfirePolicy } = this.reminder.bounds;
    const quietEnd = this.#world.quietUntil?.(this.#now, delivery.to?.addressed ?? null) ?? null;
    const isExhausted = attempts.length >= this.#world.retry.maxAttempts;
    const suppression = isExhausted
      ? null
      : recheck(occurrenceAt, { ...this.reminder, misfirePolicy }, this.#facts.stop);
    if (isExhausted || suppression) {
      delivery.because = suppression?.because ?? null;
      this.#end(delivery, isExhausted ? "failed" : "suppressed");
      return;
    }
    if (quietEnd !== null) {
      delivery.status = attempts.length > 0 ? "retrying" : "pending";
      delivery.nextAt = this.#workedFrom(quietEnd);
      return;
    }
    if (this.#facts.stop.state === "unknown" && this.reminder.onUnknown === "hold") {
      // It goes back, which is no attempt.
      delivery.status = attempts.length === 0 ? "pending" : "retrying";
      delivery.nextAt = this.#workedFrom(this.#askAgainAt());
      return;
    }
    const attempt = { occurrenceAt, number: attempts.length + 1, at: this.#now };
    attempts.push(attempt);
    const { answer, takesMs } = this.#world.receive(attempt);
    const answeredAt = this.#now + takesMs;
    const outage = this.#world.outages.find(({ from }) => from > this.#now);
    // Its worker is gone before the answer is there: another takes it over, and knows nothing of it.
    const isLost = outage !== undefined && outage.from < answeredAt;
    delivery.status = "sending";
    delivery.answer = isLost ? null : answer;
    delivery.nextAt = isLost ? outage.until : answeredAt;
  }

  /** Nobody could say once more. */
  #askAgainAt(): Instant {
    const { hold = DEFAULT_HOLD, draw } = this.#world;
    this.#unknownCount += 1;
    return this.#now + askAgainMs(hold, this.#unknownCount, draw());
  }

  #retry(delivery: Open): void {
    const { retry, draw } = this.#world;
    const delayMs = retryDelayMs(retry, delivery.attempts.length, draw());
    if (delayMs === null) {
      this.#end(delivery, "failed");
      return;
    }
    delivery.status = "retrying";
    delivery.nextAt = this.#workedFrom(this.#now + delayMs);
  }

  #end(delivery: Open, status: DeliveryStatus): void {
    delivery.status = status;
    this.#open = this.#open.filter((open) => open !== delivery);
    const others =
      delivery.to === null ? [] : this.#newest.filter(({ occurrenceAt }) => occurrenceAt === delivery.occurrenceAt);
    const isUnderWay = others.some((one) => this.#open.includes(one as Open));
    // Of several messages, what became of the best, once all have ended.
    const outcome = bestOf(others) ?? status;
    const isCounted = outcome === "sent" && !isUnderWay;
    if (isCounted) this.#standing = { ...this.#standing, sentCount: this.#standing.sentCount + 1 };
    const { stop, doneBecause = "stop_condition", countsSent } = this.#facts;
    const asksAgain = status === "suppressed" || (isCounted && countsSent);
    if (asksAgain && this.#isActive && stop.state === "met") {
      this.#complete(doneBecause, stop.because);
      return;
    }
    const { nextRunAt, lastOccurrenceAt, deletedAt } = this.reminder;
    if (this.reminder.status === "COMPLETED" || nextRunAt !== null || lastOccurrenceAt !== delivery.occurrenceAt)
      return;
    if (isUnderWay) return;
    const reason = completionAfter(outcome, this.reminder);
    if (reason) this.#complete(reason, "its last message has ended");
    else if (deletedAt === null) {
      this.reminder = { ...this.reminder, nextRunAt: afterLastOccurrence(this.#now, this.reminder) };
    }
  }

  #complete(reason: CompletionReason, because: string, insteadOf: Instant | null = null): void {
    this.happened = { kind: "completed", at: this.#now, reason, because, insteadOf };
    this.reminder = {
      ...this.reminder,
      ...{ status: "COMPLETED", completionReason: reason, completedAt: this.#now },
      ...{ nextRunAt: null, nextWallAt: null },
    };
  }

  #nextDelivery(): Open | undefined {
    let first: Open | undefined;
    for (const delivery of this.#open) if (!first || delivery.nextAt < first.nextAt) first = delivery;
    return first;
  }

  get #facts(): FactsThen {
    const { stopMetAt, facts, silences } = this.#world;
    const { sentCount } = this.#standing;
    const { onUnknown } = this.reminder;
    if (silences?.some(({ from, until }) => from <= this.#now && this.#now < until))
      return { stop: UNKNOWN, onUnknown };
    if (facts) return facts({ reminder: this.reminder, now: this.#now, sentCount });
    const isMet = stopMetAt !== null && stopMetAt <= this.#now;
    return { stop: isMet ? MET : NOT_MET };
  }

  get #surroundings(): Surroundings {
    const { zone = null, calendar } = this.#world;
    const { business } = this.reminder;
    const calendars = business && calendar ? new Map([[business.calendar, calendar]]) : NO_CALENDARS;
    return { ...PLAIN_SURROUNDINGS, contactZone: zone, calendars };
  }

  get #isActive(): boolean {
    return this.reminder.status === "ACTIVE" && this.reminder.deletedAt === null;
  }

  /** The first instant from `instant` on at which a worker works. */
  #workedFrom(instant: Instant): Instant {
    const { outages } = this.#world;
    // Time only goes forward, so what has passed is looked at once.
    while ((outages[this.#outagesPassed]?.until ?? Number.POSITIVE_INFINITY) <= this.#now) this.#outagesPassed += 1;
    for (let index = this.#outagesPassed; index < outages.length; index += 1) {
      const outage = outages[index] as (typeof outages)[number];
      if (instant < outage.from) return instant;
      if (instant < outage.until) return outage.until;
    }
    return instant;
  }
}

const BEST_FIRST: readonly DeliveryStatus[] = ["sent", "unknown", "failed", "suppressed"];

function bestOf(deliveries: readonly SimulatedDelivery[]): DeliveryStatus | undefined {
  return BEST_FIRST.find((status) => deliveries.some((delivery) => delivery.status === status));
}
