import { completionAfter, type Decision } from "../decide.ts";
import { askAgainMs, DEFAULT_HOLD } from "../hold.ts";
import type { Instant } from "../instant.ts";
import { afterLastOccurrence } from "../occurrence.ts";
import { bestOf, outcomeOf } from "../outcome.ts";
import { doneByPeople, doneCount, maySayDone, whyDoneByNow } from "../people-done.ts";
import type { CompletionReason, DeliveryStatus, ReminderRecord } from "../reminder.ts";
import { decideThen } from "./decision.ts";
import { Everybody } from "./everybody.ts";
import { factsOf } from "./facts.ts";
import { grant } from "./grant.ts";
import type { Happening } from "./happening.ts";
import type { Ended } from "./message.ts";
import type { Message } from "./open-message.ts";
import { Post } from "./post.ts";
import type { Wish } from "./wish.ts";
import { Workers } from "./workers.ts";
import type { FactsThen, Standing, World } from "./world.ts";

type Send = Extract<Decision, { kind: "send" }>;

/** The life of one reminder in one world, step by step. */
export class Life {
  reminder: ReminderRecord;
  readonly post: Post;
  skipped = 0;
  /** In the newest step. */
  happened: Happening | null = null;
  readonly #world: World;
  readonly #workers: Workers;
  readonly #everybody: Everybody;
  #now: Instant;
  #standing: Standing;
  #isOutdated: boolean;
  /** How often in a row nobody could say, and until when it isn't asked again. */
  #unknownCount = 0;
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** How often it has fired here, and the messages of the newest time. */
  #fired = 0;
  #newest: readonly Message[] = [];
  /** It is done at once, since nobody wanted its last message. */
  #unwanted: { reason: CompletionReason; because: string } | null = null;
  #wishesDone = 0;

  constructor(start: ReminderRecord, world: World) {
    this.reminder = start;
    this.#world = world;
    this.#workers = new Workers(world);
    this.#everybody = new Everybody(world);
    this.post = new Post(world, this.#workers);
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
    const message = this.post.next;
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
    const before = this.reminder;
    if (typeof wish === "object" && "kind" in wish && wish.kind === "person_done") this.#noteDone(wish.person);
    else {
      const lastOutcome = this.post.deliveries.at(-1)?.status ?? null;
      this.reminder = grant(wish, before, lastOutcome, this.#world, this.#now);
    }
    this.happened = { kind: "wished", at: this.#now, wish, before };
  }

  #noteDone(person: string): void {
    if (!maySayDone(this.reminder)) return;
    this.#everybody.noteDone(person);
    const count = doneCount(this.reminder.people, this.#everybody.done);
    this.reminder = doneByPeople(this.reminder, count, this.#now) ?? this.reminder;
  }

  /** When a worker hears of the stop condition: once, and only what is ACTIVE then. */
  #settlesAt(): Instant {
    const { stopMetAt, stopHeardAfterMs } = this.#world;
    if (stopMetAt === null || !this.#isActive) return Number.POSITIVE_INFINITY;
    const heardAt = this.#workers.from(stopMetAt + stopHeardAfterMs, this.#now);
    return heardAt >= this.#now ? heardAt : Number.POSITIVE_INFINITY;
  }

  #firesAt(): Instant {
    const { nextRunAt } = this.reminder;
    if (nextRunAt === null || !this.#isActive) return Number.POSITIVE_INFINITY;
    return this.#workers.from(Math.max(nextRunAt, this.#now, this.#heldUntil), this.#now);
  }

  #fire(): void {
    const { nextRunAt } = this.reminder;
    if (nextRunAt === null) return;
    const because = whyDoneByNow(this.reminder.people, this.#everybody.done);
    if (because !== null) {
      this.#complete("people_done", because, nextRunAt);
      return;
    }
    const escalating = this.#everybody.escalating(this.reminder, this.#newest);
    const due = {
      reminder: this.reminder,
      nextRunAt,
      standing: this.#standing,
      isOutdated: this.#isOutdated,
      escalating,
    };
    const decision = decideThen(due, this.#facts, this.#world, this.#now);
    this.#isOutdated = false;
    if (decision.kind === "hold" && this.#world.silences) {
      this.#heldUntil = this.#askAgainAt();
      this.#standing = { ...this.#standing, wasHeld: true };
      return;
    }
    this.#unknownCount = 0;
    if (this.#standing.wasHeld) this.#standing = { ...this.#standing, wasHeld: false };
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
    }
    if (decision.kind === "send") {
      this.#send(decision);
      return;
    }
    this.reminder = { ...this.reminder, nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
    if (decision.kind === "skip") this.#skip(decision);
  }

  #holdForGood(because: string, insteadOf: Instant): void {
    this.#heldUntil = Number.POSITIVE_INFINITY;
    this.happened = { kind: "held", at: this.#now, because, insteadOf };
  }

  #pause(because: string, insteadOf: Instant): void {
    this.reminder = { ...this.reminder, status: "PAUSED" };
    this.happened = { kind: "paused", at: this.#now, because, insteadOf };
  }

  #skip({ occurrenceAt, missed }: Extract<Decision, { kind: "skip" }>): void {
    this.skipped += missed;
    this.happened = { kind: "skipped", at: this.#now, occurrenceAt, missed };
  }

  #send({ occurrenceAt, missed, nextRunAt, nextWallAt, course: said }: Send): void {
    const course = said ?? null;
    const now = this.#now;
    this.reminder = {
      ...this.reminder,
      nextRunAt,
      nextWallAt,
      lastRunAt: now,
      lastOccurrenceAt: occurrenceAt,
      occurrenceCount: this.reminder.occurrenceCount + 1,
    };
    const wanted = this.#everybody.wanted(this.reminder, course, now);
    const fired = wanted.map((to, recipientNo) =>
      this.post.newMessage({ occurrenceAt, missed }, { to, recipientNo }, now),
    );
    const isUnwanted = fired.every(({ status }) => status === "suppressed");
    if (course) {
      const escalation = { ...course.escalation, isVoid: isUnwanted };
      this.reminder = { ...this.reminder, people: { ...this.reminder.people, escalation } };
    }
    this.#fired += 1;
    this.#newest = fired;
    this.happened = { kind: "fired", at: now, occurrenceAt, missed, deliveries: fired, course };
    if (isUnwanted && this.reminder.nextRunAt === null) {
      const isOnce = this.reminder.schedule.type === "one_time";
      const reason = isOnce ? "opted_out" : (completionAfter("sent", this.reminder) ?? "schedule_ended");
      this.#unwanted = { reason, because: fired[0]?.because ?? "nobody is left to be told" };
    }
    for (const message of this.post.takeIn(fired)) if (message.nextAt <= now) this.#advance(message);
  }

  #advance(message: Message): void {
    const ended = this.post.advance(message, {
      reminder: this.reminder,
      now: this.#now,
      done: this.#everybody.done,
      facts: () => this.#facts,
      askAgainAt: () => this.#askAgainAt(),
    });
    for (const [one, how] of ended) this.#end(one, how);
  }

  /** Nobody could say once more. */
  #askAgainAt(): Instant {
    const { hold = DEFAULT_HOLD, draw } = this.#world;
    this.#unknownCount += 1;
    return this.#now + askAgainMs(hold, this.#unknownCount, draw());
  }

  #end(message: Message, ended: Ended): void {
    const others = message.to === null ? [] : this.post.of(message.occurrenceAt);
    const isUnderWay = this.post.isUnderWay(others);
    const several = bestOf(others.map(({ status }) => status));
    const isCounted = (several ?? ended.status) === "sent" && !isUnderWay;
    if (isCounted) this.#standing = { ...this.#standing, sentCount: this.#standing.sentCount + 1 };
    const { stop, doneBecause = "stop_condition", countsSent } = this.#facts;
    const asksAgain = ended.status !== "sent" || (isCounted && countsSent);
    if (asksAgain && this.#isActive && stop.state === "met") this.#complete(doneBecause, stop.because);
    else if (!isUnderWay) this.#endAfterLast(message.occurrenceAt, outcomeOf(ended, several));
  }

  /** What it means for a reminder that is due no more that all messages of an occurrence have ended. */
  #endAfterLast(occurrenceAt: Instant, outcome: DeliveryStatus): void {
    const { status, nextRunAt, lastOccurrenceAt, deletedAt, bounds } = this.reminder;
    if (status === "COMPLETED" || nextRunAt !== null) return;
    const isNewest = lastOccurrenceAt === occurrenceAt;
    const isLast = bounds.misfirePolicy === "all" ? this.post.isDelivered : isNewest;
    // Where an older message is the last to end, and is held back, what became of the newest tells how it ends.
    const newest = isNewest ? undefined : bestOf(this.#newest.map((one) => one.status));
    const reason = completionAfter(outcome, this.reminder) ?? (newest ? completionAfter(newest, this.reminder) : null);
    if (reason !== null && isLast) this.#complete(reason, "its last message has ended");
    if (reason === null && isNewest && deletedAt === null)
      this.reminder = { ...this.reminder, nextRunAt: afterLastOccurrence(this.#now, this.reminder) };
  }

  #complete(reason: CompletionReason, because: string, insteadOf: Instant | null = null): void {
    this.happened = { kind: "completed", at: this.#now, reason, because, insteadOf };
    this.reminder = {
      ...this.reminder,
      ...{ status: "COMPLETED", completionReason: reason, completedAt: this.#now },
      ...{ nextRunAt: null, nextWallAt: null },
    };
  }

  get #facts(): FactsThen {
    const { sentCount } = this.#standing;
    return factsOf(this.#world, { reminder: this.reminder, now: this.#now, sentCount });
  }

  get #isActive(): boolean {
    return this.reminder.status === "ACTIVE" && this.reminder.deletedAt === null;
  }
}
