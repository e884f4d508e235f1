import type { Tenant } from "../core/tenant.ts";
import type { QuotaReached } from "../store/quota.ts";
import { Memory } from "./access/memory.ts";

/** Counting this many and fewer is always affordable. */
const FEW = 10_000;
/** With more, it is found out anew after this long for each of so many: a small part of that goes into counting. */
const FRESH_MS = 100;
const LONGEST_MS = 5_000;
const MOST_TENANTS = 10_000;

interface Refusal {
  left: number;
  because: string;
}

/**
 * Tenants that were just found to have as many reminders as they may. To find that out means to count them; with a large
 * quota that takes so long that whoever tries again and again would keep the database busy. So it is believed for a while.
 */
export class FullTenants {
  readonly #known = new Memory<{ because: string; untilMs: number }>(MOST_TENANTS);

  refusal(tenant: Tenant): Refusal | null {
    const known = this.#known.get(tenant);
    return known && performance.now() < known.untilMs ? { left: 0, because: known.because } : null;
  }

  note(tenant: Tenant, { message, left, quota }: QuotaReached): void {
    if (left > 0 || quota <= FEW) return;
    const freshMs = Math.min(LONGEST_MS, (quota / FEW) * FRESH_MS);
    this.#known.set(tenant, { because: message, untilMs: performance.now() + freshMs });
  }
}
