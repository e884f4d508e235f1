import type { Instant } from "../core/instant.ts";
import type { Taken } from "../core/pace.ts";
import type { Addressed } from "../core/people.ts";
import { type DeliveryKey, deliveryId } from "../core/reminder.ts";
import type { Checked, StopAnswer } from "../core/stop.ts";
import type { Tenant } from "../core/tenant.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { HeldKey } from "../store/leases.ts";
import type { Answers } from "./asking/answers.ts";
import { LEASE_MARGIN_MS } from "./settings.ts";

/** A delivery that this worker holds under a lease, from its claim until its result is stored. Times are `performance.now()`. */
export interface Held extends HeldKey {
  tenantId: Tenant;
  channel: string;
  recipient: string | null;
  /** With whom it goes in one message; null: it goes by itself. */
  digest: Digest | null;
  /** When it goes along with others, as it may alone; null: by itself. */
  digestAt: Instant | null;
  /** Then: the newest occurrence after it that wasn't to wait any more when it was taken; null: none. */
  newestDueAt: Instant | null;
  /** And when the first of those leaves that still waited then; null: none did. */
  newerLeavesAt: Instant | null;
  /** Null: it is for whom the reminder is for. */
  addressed: Addressed | null;
  /** Delivery attempts so far, the present one included. */
  attempts: number;
  /** How often this worker claimed again what it held; not set: never. */
  reclaims?: number;
  /** True when workers died or fell silent with it, and it may be what ended them. */
  isSuspect: boolean;
  /** True once it is noted that it may leave, over a channel that is asked for no more than once: see `Leaving`. */
  mayHaveLeft: boolean;
  /** True once this worker has let it go, even if its channel has asked again since: before that, nothing of it can have left from here. */
  wasLetGo?: boolean;
  /** True once it came back to this worker from another that may have sent it: it isn't to leave from here as well, nor to be put back. */
  mayHaveLeftElsewhere?: boolean;
  /** Its reminder when last read; null when somebody removed the row. */
  known: ReminderWithFacts | null;
  /** What was got outside for its stop condition. */
  answers: Answers;
  /** True once somebody outside was asked again while this worker held it. */
  wasAsked: boolean;
  /** What it said last of a condition that is asked; null: nothing yet. */
  stop: StopAnswer | null;
  /** What its stop condition answered last in this attempt, be it asked or read; null: it has none, or nobody looked. */
  checked: Checked | null;
  /** Just before `known` was read. */
  readAtMs: number;
  /** Its send doesn't begin before. */
  notBeforeMs: number;
  /** When the lease ends, by a clock that no one can set. */
  leaseEndsAtMs: number;
  /** True when its reminder may complete with it: its schedule has ended, or each of its messages has to end before. */
  isLast: boolean;
  /** True once it has its place under the caps, or there are none. */
  hasPlace: boolean;
  /** With what it has its places again, should it come back unsent; not set: it has asked for none. */
  taken?: Taken;
  /** When its send began; null before. */
  sendingSinceMs: number | null;
  /** True once its outcome is known; whatever comes after that is ignored. */
  hasEnded: boolean;
}

/** Deliveries that go as one message. */
export interface Digest {
  /** The message's, over all its attempts. */
  id: string;
  /** Those that this worker holds; the first of them has their place in the lane. */
  items: Held[];
  /** True once this attempt has its place under the caps: also what is written anew takes but one. */
  hasPlace: boolean;
}

/** What this worker holds, by the delivery's id. */
export class HeldDeliveries {
  readonly #held = new Map<string, Held>();
  #whenFewer: (() => void)[] = [];

  add(held: Held): void {
    this.#held.set(deliveryId(held), held);
  }

  get(key: DeliveryKey): Held | undefined {
    return this.#held.get(deliveryId(key));
  }

  remove(held: Held): void {
    const id = deliveryId(held);
    if (this.#held.get(id) === held) this.#held.delete(id);
    for (const resolve of this.#whenFewer.splice(0)) resolve();
  }

  /** Resolves when nothing is held any more. */
  async empty(): Promise<void> {
    while (this.#held.size > 0) await this.#fewer();
  }

  /** Resolves when these aren't held any more: what became of them is stored, or can't be. */
  async gone(these: readonly Held[]): Promise<void> {
    while (these.some((held) => this.get(held) === held)) await this.#fewer();
  }

  #fewer(): Promise<void> {
    return new Promise((resolve) => this.#whenFewer.push(resolve));
  }

  values(): Held[] {
    return [...this.#held.values()];
  }
}

/** False once the lease is so near its end that another worker might hold the delivery before our send is through. */
export function isLeaseValid(held: Held, nowMs: number): boolean {
  return nowMs < held.leaseEndsAtMs - LEASE_MARGIN_MS;
}
