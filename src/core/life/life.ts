import { completionAfter, type Decision, decide } from "../decide.ts";
import { askAgainMs, DEFAULT_HOLD } from "../hold.ts";
import { afterLastOccurrence } from "../occurrence.ts";
import type { CompletionReason, DeliveryStatus, Instant, ReminderRecord } from "../reminder.ts";
import { timetableOf } from "../schedule/schedule.ts";
import { escalatingThen, wantedThen } from "./audience.ts";
import { factsOf } from "./facts.ts";
import type { Happening, SimulatedDelivery } from "./happening.ts";
import { advance, bestOf, type Message } from "./message.ts";
import { grant, type Wish } from "./wish.ts";
import { Workers } from "./workers.ts";
import type { FactsThen, Standing, World } from "./world.ts";

/** The life of one reminder in one world, step by step. */
export class Life {
  reminder: ReminderRecord;
  readonly deliveries: SimulatedDelivery[] = [];
  skipped = 0;
  /** In the newest step. */
  happened: Happening | null = null;
  readonly #world: World;
  readonly #workers: Workers;
  #now: Instant;
  #standing: Standing;
  #isOutdated: boolean;
  #open: Message[] = [];
  /** How often in a row nobody could say, and until when it isn't asked again. */
  #unknownCount = 0;
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** How often it has fired here, and the messages of the newest time. */
  #fired = 0;
  #newest: readonly SimulatedDelivery[] = [];
  /** It is done at once, since nobody wanted its last message. */
  #unwanted: { reason: CompletionReason; because: string } | null = null;
  #wishesDone = 0;

  constructor(start: ReminderRecord, world: World) {
    this.reminder = start;
    this.#world = world;
    this.#workers = new Workers(world);
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
    const message = this.#nextMessage();
    const at = {
      wish: wish ? Math.max(wish.at, this.#now) : Number.POSITIVE_INFINITY,
      settle: this.#settlesAt(),
      message: message?.nextAt ?? Number.POSITIVE_INFINITY,
      fire: this.#firesAt(),
    };
    const next = Math.min(at.wish, at.settle, at.message, at.fire);
    if (next > until || !Number.isFinite(next) || this.#fired >= mostOccurrences) return false;
    this.#now = next;
    this.happened = null;
    if (wish && next === at.wish) this.#grant(wish.wish);
    else if (next === at.settle) this.#complete("stop_condition", this.#facts.stop.because);
    else if (message && next === at.message) this.#advance(message);
    else this.#fire();
    return true;
  }

  #grant(wish: Wish): void {
    this.#wishesDone += 1;
    const lastOutcome = this.deliveries.at(-1)?.status ?? null;
    this.reminder = grant(wish, this.reminder, lastOutcome, this.#world, this.#now);
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
    const { nextRunAt } = this.reminder;
    if (nextRunAt === null) return;
    const decision = this.#decide(nextRunAt);
    this.#isOutdated = false;
    if (decision.kind === "hold" && this.#world.silences) {
      this.#heldUntil = this.#askAgainAt();
      this.#standing = { ...this.#standing, wasHeld: true };
      return;
    }
    this.#unknownCount = 0;
    this.#standing = { ...this.#standing, wasHeld: false };
    switch (decision.kind) {
      case "complete":
        this.#complete(decision.reason, decision.because, nextRunAt);
        return;
      case "hold":
        if (this.#facts.isAsked) this.#holdForGood(decision.because, nextRunAt);
        // What is in the row itself nobody will ever be able to say: the engine pauses it, too.
        else this.#pause(decision.because, nextRunAt);
        return;
      case "pause":
        this.#pause(decision.because, nextRunAt);
        return;
      default:
        this.#goOn(decision);
    }
  }

  #decide(nextRunAt: Instant): Decision {
    const { nextWallAt, lastOccurrenceAt, createdAt, occurrenceCount, silence } = this.reminder;
    const isOutdated = this.#isOutdated;
    const due = { nextRunAt, nextWallAt, lastOccurrenceAt, createdAt, occurrenceCount, isOutdated, silence };
    const { zone = null, calendar = null } = this.#world;
    const timetable = timetableOf(this.reminder, zone, calendar);
    const { sentCount, askAt, ...standing } = this.#standing;
    const escalating = escalatingThen(this.reminder, this.#world, this.#newest);
    return decide({ ...due, ...standing, timetable, escalating }, this.#facts, this.#now);
  }

  #holdForGood(because: string, insteadOf: Instant): void {
    this.#heldUntil = Number.POSITIVE_INFINITY;
    this.happened = { kind: "held", at: this.#now, because, insteadOf };
  }

  #pause(because: string, insteadOf: Instant): void {
    this.reminder = { ...this.reminder, status: "PAUSED" };
    this.happened = { kind: "paused", at: this.#now, because, insteadOf };
  }

  #goOn(decision: Extract<Decision, { kind: "postpone" | "skip" | "send" }>): void {
    this.reminder = { ...this.reminder, nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
    if (decision.kind === "skip") {
      const { occurrenceAt, missed } = decision;
      this.skipped += missed;
      this.happened = { kind: "skipped", at: this.#now, occurrenceAt, missed };
    }
    if (decision.kind !== "send") return;
    this.reminder = {
      ...this.reminder,
      lastRunAt: this.#now,
      lastOccurrenceAt: decision.occurrenceAt,
      occurrenceCount: this.reminder.occurrenceCount + 1,
    };
    this.#sendAll(decision);
  }

  #sendAll({ occurrenceAt, missed, course: said }: Extract<Decision, { kind: "send" }>): void {
    const course = said ?? null;
    const fired = wantedThen(this.reminder, course, this.#world, this.#now).map((to): Message => {
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
    for (const message of fired) {
      if (message.status === "suppressed") continue;
      this.#open.push(message);
      if (message.nextAt <= this.#now) this.#advance(message);
    }
  }

  #advance(message: Message): void {
    const ended = advance(message, {
      ...{ world: this.#world, workers: this.#workers, reminder: this.reminder, now: this.#now },
      facts: () => this.#facts,
      askAgainAt: () => this.#askAgainAt(),
    });
    if (ended !== null) this.#end(message, ended);
  }

  /** Nobody could say once more. */
  #askAgainAt(): Instant {
    const { hold = DEFAULT_HOLD, draw } = this.#world;
    this.#unknownCount += 1;
    return this.#now + askAgainMs(hold, this.#unknownCount, draw());
  }

  #end(message: Message, status: DeliveryStatus): void {
    message.status = status;
    this.#open = this.#open.filter((open) => open !== message);
    const others =
      message.to === null ? [] : this.#newest.filter(({ occurrenceAt }) => occurrenceAt === message.occurrenceAt);
    const isUnderWay = others.some((one) => this.#open.includes(one as Message));
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
    if (this.reminder.status === "COMPLETED" || nextRunAt !== null || lastOccurrenceAt !== message.occurrenceAt) return;
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

  #nextMessage(): Message | undefined {
    let first: Message | undefined;
    for (const message of this.#open) if (!first || message.nextAt < first.nextAt) first = message;
    return first;
  }

  get #facts(): FactsThen {
    const { sentCount } = this.#standing;
    return factsOf(this.#world, { reminder: this.reminder, now: this.#now, sentCount });
  }

  get #isActive(): boolean {
    return this.reminder.status === "ACTIVE" && this.reminder.deletedAt === null;
  }

  #workedFrom(instant: Instant): Instant {
    return this.#workers.from(instant, this.#now);
  }
}
