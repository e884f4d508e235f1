import { DEFAULT_TENANT, type Tenant } from "../core/tenant.ts";

/**
 * So many places, and which tenants have them. One tenant may have as many as are left to the others, so that whoever keeps
 * its own for long (its mail server hangs) never has all: of 10, five; the next one of whom that is so two or three more, and
 * then one each. As long as there is nobody but `default`, it may have all.
 */
export class Places {
  readonly #total: number;
  readonly #taken: Map<Tenant, number>;
  #free: number;
  #isShared = false;

  constructor(total: number, taken: ReadonlyMap<Tenant, number> = new Map(), isShared = false) {
    this.#total = total;
    this.#taken = new Map(taken);
    this.#free = [...taken.values()].reduce((free, count) => free - count, total);
    this.#isShared = isShared;
  }

  /** Never less than 0, though more can be taken than there are. */
  get free(): number {
    return Math.max(0, this.#free);
  }

  /** How many more this tenant may take. */
  leftFor(tenant: Tenant): number {
    if (tenant === DEFAULT_TENANT && !this.#isShared) return this.free;
    const mine = this.#taken.get(tenant) ?? 0;
    const most = Math.max(1, Math.ceil((this.free + mine) / 2));
    return Math.max(0, Math.min(this.free, most - mine));
  }

  /** The tenants that have all they may have. */
  full(): Tenant[] {
    return [...this.#taken.keys()].filter((tenant) => this.leftFor(tenant) === 0);
  }

  take(tenant: Tenant): void {
    this.#isShared ||= tenant !== DEFAULT_TENANT;
    this.#taken.set(tenant, (this.#taken.get(tenant) ?? 0) + 1);
    this.#free -= 1;
  }

  /** Takes a place if there is one for this tenant, and says whether there was. */
  tryTake(tenant: Tenant): boolean {
    if (this.leftFor(tenant) === 0) return false;
    this.take(tenant);
    return true;
  }

  giveBack(tenant: Tenant): void {
    const left = (this.#taken.get(tenant) ?? 0) - 1;
    if (left > 0) this.#taken.set(tenant, left);
    else this.#taken.delete(tenant);
    this.#free += 1;
  }

  /** The same, to plan with. */
  copy(): Places {
    return new Places(this.#total, this.#taken, this.#isShared);
  }
}
