import type { Instant } from "../core/instant.ts";
import { rampedUpTo } from "../core/ramp.ts";
import { DEFAULT_TENANT } from "../core/tenant.ts";
import { evenly, takeTurns } from "../core/turns.ts";
import { claimDue, type DueClaim, type DueReminder } from "../store/firing.ts";
import type { Sql } from "../store/postgres.ts";
import { type ClaimedShare, claimShares, type DueTenants, dueTenants, type Share } from "../store/shares.ts";
import { Recent } from "./recent.ts";
import { type EngineSettings, OVERDUE_MS } from "./settings.ts";

/** Tenants that share one batch, at most; with more, batches take turns among them. */
const TENANTS_AT_ONCE = 64;
/** While nothing but overdue reminders wait, and the ramp holds them back, it is looked for more this often. */
const REST_MS = 25;
/** A backlog that comes back this soon is the same one: its ramp goes on. */
const SAME_BACKLOG_MS = 60_000;
/** Nothing of `default` may be found among much of other tenants; it is looked for from the beginning this often. */
const FULL_LOOK_MS = 1_000;
/** Where nobody but `default` has anything due, others are looked for this often. */
const OTHERS_LOOK_MS = 100;
/** What commits late may have become due this long before. */
const MARGIN_MS = 1_000;
/** After a batch that took too long the next are smaller; each that went well is larger by this share of a full one. */
const GROWTH = 1 / 20;
/** Longer than anything can have been due. */
const ANY_AGE_MS = 60e12;
/** Reminders that could be neither fired nor set aside are tried again after this. */
const LEFT_OUT_MS = 10 * 60_000;

/**
 * Chooses which due reminders a worker fires next. While a batch takes all that is due, that is all there is to it. Beyond
 * that, each tenant with something due has the same share of each batch, and in it half goes to those that are due the
 * longest and half to those that fell due last (how far back, see `Recent`), so that neither a tenant nor the present waits for
 * a backlog. A backlog that is overdue is begun gently (see `Ramp`).
 */
export class Claims {
  readonly #settings: Pick<EngineSettings, "batchSize" | "catchUp">;
  readonly #nowMs: () => number;
  readonly #leftOut = new Map<number, number>();
  readonly #recent: Recent;
  #recentMs = Number.POSITIVE_INFINITY;
  #limit: number;
  #hasBacklog = false;
  #rests = false;
  /** The ramp: since when, how many it has let through, and when there was last a backlog. */
  #since = 0;
  #caughtUp = 0;
  #lastSeen = Number.NEGATIVE_INFINITY;
  /** The next page of tenants begins after this one. */
  #after = "";
  #turn = 0;
  #othersLookAt = 0;
  #defaultFrom: Instant | null = null;
  #fullLookAt = 0;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(settings: Pick<EngineSettings, "batchSize" | "catchUp">, nowMs: () => number = () => performance.now()) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#limit = settings.batchSize;
    this.#recent = new Recent(nowMs);
  }

  /** True while there is more due than a batch takes. */
  get hasBacklog(): boolean {
    return this.#hasBacklog;
  }

  /** With a backlog: how long until the next claim, in milliseconds. */
  get restMs(): number {
    return this.#rests ? REST_MS : 0;
  }

  /** Reminders in one batch, at most. */
  get limit(): number {
    return this.#limit;
  }

  /** Ids of reminders that could be neither fired nor set aside. */
  leftOut(): number[] {
    const nowMs = this.#nowMs();
    for (const [id, untilMs] of this.#leftOut) if (untilMs <= nowMs) this.#leftOut.delete(id);
    return [...this.#leftOut.keys()];
  }

  /** Claims this reminder no more for a while. */
  leaveOut(id: number): void {
    this.#leftOut.set(id, this.#nowMs() + LEFT_OUT_MS);
  }

  /** Call when a batch could not be fired within the time that a statement has. */
  tookTooLong(): void {
    this.#limit = Math.ceil(this.#limit / 2);
  }

  /**
   * Call when there was no time for all of a batch. There is a backlog then, however few are due: what is due since, and other tenants, don't wait
   * for all of it.
   */
  leftSome(left: readonly DueReminder[]): void {
    this.tookTooLong();
    if (!this.#hasBacklog) this.#beginBacklog();
    this.#caughtUp = Math.max(0, this.#caughtUp - left.filter(isOverdue).length);
    this.#fullLookAt = 0;
  }

  wentWell(): void {
    const { batchSize } = this.#settings;
    this.#limit = Math.min(batchSize, this.#limit + Math.ceil(batchSize * GROWTH));
  }

  /** Locks the reminders to fire next, in the order in which they get places in their lanes. */
  async claim(sql: Sql, claim: DueClaim): Promise<DueReminder[]> {
    if (this.#after === "") this.#recentMs = this.#recent.withinMs();
    if (this.#hasBacklog) return this.#claimFairly(sql, claim);
    const limit = this.#limit;
    const due = await claimDue(sql, claim, limit);
    if (due.length < limit || limit === 0) return due;
    this.#beginBacklog();
    return this.#admit(due);
  }

  #beginBacklog(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastSeen > SAME_BACKLOG_MS) {
      this.#since = nowMs;
      this.#caughtUp = 0;
    }
    this.#lastSeen = nowMs;
    this.#hasBacklog = true;
    this.#rests = false;
    this.#after = "";
    this.#fullLookAt = 0;
    this.#othersLookAt = 0;
  }

  /** Of the batch that told of a backlog: what is due now, and of the overdue what the ramp allows. The rest stays due. */
  #admit(due: readonly DueReminder[]): DueReminder[] {
    let allowed = this.#allowed();
    const admitted = due.filter((reminder) => !isOverdue(reminder) || allowed-- > 0);
    this.#caughtUp += admitted.filter(isOverdue).length;
    return admitted;
  }

  /** How many overdue ones may be fired now. */
  #allowed(): number {
    return Math.max(0, rampedUpTo(this.#settings.catchUp, this.#nowMs() - this.#since) - this.#caughtUp);
  }

  async #claimFairly(sql: Sql, claim: DueClaim): Promise<DueReminder[]> {
    const limit = this.#limit;
    const page = await this.#others(sql, claim, Math.min(TENANTS_AT_ONCE, limit));
    const isRoundOver = page.after === null;
    this.#after = page.after ?? "";

    const allowed = this.#allowed();
    const isHeldBack = allowed < limit;
    const startedAt = this.#nowMs();
    const defaultFrom = startedAt >= this.#fullLookAt ? null : this.#defaultFrom;
    const shares = this.#inTurn(this.#shareOut(page.tenants, defaultFrom !== null, isHeldBack ? allowed : limit));
    // Reserved before it is awaited, since batches are claimed side by side.
    const reserved = isHeldBack ? shares.reduce((sum, share) => sum + share.oldest, 0) : 0;
    this.#caughtUp += reserved;
    let overdue = 0;
    try {
      // Of what isn't overdue the ramp holds nothing back. Else any age does, as long as a look from the beginning costs nothing.
      const recentMs = claim.from === null ? Number.POSITIVE_INFINITY : this.#recentMs;
      const newestWithinMs = isHeldBack ? OVERDUE_MS : Math.min(recentMs, ANY_AGE_MS);
      const claimed = await claimShares(sql, claim, shares, { newestWithinMs, isFilled: !isHeldBack, defaultFrom });
      const due = takeTurns(claimed.flatMap(({ oldest, newest }) => [newest, oldest]));
      overdue = due.filter(isOverdue).length;
      this.#lookedForDefault(claimed, defaultFrom === null, startedAt);
      const full = claimed.filter(isFull);
      this.#hasBacklog = full.length > 0 || !isRoundOver || (isHeldBack && shares.some((share) => share.oldest === 0));
      this.#rests = isHeldBack && claimed.every(({ newest, share }) => newest.length < share.newest);
      if (this.#hasBacklog) this.#lastSeen = this.#nowMs();
      return due;
    } finally {
      this.#caughtUp += overdue - reserved;
    }
  }

  /** The next page of tenants other than `default` that have something due. */
  async #others(sql: Sql, claim: DueClaim, limit: number): Promise<DueTenants> {
    const nowMs = this.#nowMs();
    if (nowMs < this.#othersLookAt) return { tenants: [], after: null };
    const page = await dueTenants(sql, claim, this.#after, limit);
    const areQuiet = this.#after === "" && page.after === null && page.tenants.length === 0;
    this.#othersLookAt = areQuiet ? nowMs + OTHERS_LOOK_MS : 0;
    return page;
  }

  /** `isDefaultQuiet`: `default` had nothing due when last looked for; then it is only asked whether that still holds. */
  #shareOut(others: readonly string[], isDefaultQuiet: boolean, allowed: number): Share[] {
    if (isDefaultQuiet && others.length > 0) {
      return [{ tenantId: DEFAULT_TENANT, oldest: 1, newest: 1 }, ...this.#equalShares(others, allowed)];
    }
    return this.#equalShares([DEFAULT_TENANT, ...others], allowed);
  }

  /** Another tenant comes first each time: where there is no time for all of a batch, it is for the first of it. */
  #inTurn(shares: readonly Share[]): Share[] {
    const first = this.#turn % shares.length;
    return [...shares.slice(first), ...shares.slice(0, first)];
  }

  #equalShares(tenants: readonly string[], allowed: number): Share[] {
    this.#turn += 1;
    const shares = evenly(this.#limit, tenants.length, this.#turn % tenants.length);
    const catchUps = evenly(allowed, tenants.length, this.#turn % tenants.length);
    return tenants.map((tenantId, place) => {
      const share = Math.max(1, shares[place] as number);
      // A share of one goes to the oldest and to the newest in turn.
      const half = Math.floor((share + (this.#turn % 2)) / 2);
      const oldest = Math.min(half, catchUps[place] as number);
      return { tenantId, oldest, newest: share - oldest };
    });
  }

  #lookedForDefault(claimed: readonly ClaimedShare[], fromBeginning: boolean, startedAt: number): void {
    const ofDefault = claimed.find(({ share }) => share.tenantId === DEFAULT_TENANT);
    const [any] = claimed.flatMap(({ oldest, newest }) => [...oldest, ...newest]);
    if (!ofDefault || !any || isFull(ofDefault) || ofDefault.share.oldest === 0) this.#fullLookAt = 0;
    else if (fromBeginning) {
      this.#fullLookAt = startedAt + FULL_LOOK_MS;
      this.#defaultFrom = any.now - MARGIN_MS;
    }
  }
}

function isFull({ share, oldest, newest }: ClaimedShare): boolean {
  const isAllUsedUp = isUsedUp(share.oldest + share.newest, [...oldest, ...newest]);
  return isAllUsedUp || isUsedUp(share.oldest, oldest) || isUsedUp(share.newest, newest);
}

function isUsedUp(limit: number, claimed: readonly DueReminder[]): boolean {
  return limit > 0 && claimed.length >= limit;
}

function isOverdue({ dueInMs }: DueReminder): boolean {
  return dueInMs < -OVERDUE_MS;
}
