import { NotNow } from "./not-now.ts";

/** Questions that may be under way at once, from one worker. */
export interface AskingLimits {
  total: number;
  perTenant: number;
  /** To one service, for one tenant. */
  perService: number;
}

/** So many may wait for a place at one service, and so many of one tenant; who comes then is told when to come again. */
const LONGEST_QUEUE = 20;
/** Whoever names a service of its own in each reminder fills no queue of a service, yet what waits is held by the worker. */
const LONGEST_QUEUE_OF_TENANT = 50;
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** How much the newest question counts in what is known of the speed. */
const WEIGHT = 1 / 4;

/** There is no place, and too many wait for one already. */
export class Crowded extends NotNow {
  override name = "Crowded";

  constructor(service: string, retryInMs: number) {
    super(`so much is asked of ${service} that it has to wait for its turn`, retryInMs);
  }
}

interface Line {
  underWay: number;
  /** How long an answer takes, of late. */
  tookMs: number;
  /** Until when there is work for it, with those that were told to come again. */
  busyUntilMs: number;
}

interface Service extends Line {
  name: string;
  tenant: Tenant;
  waiting: (() => void)[];
}

interface Tenant extends Line {
  /** At all of its services. */
  waiting: number;
  services: Map<string, Service>;
}

/**
 * Lets so many questions through at a time: in all, for each tenant, and to each service, so that one that hangs keeps nobody
 * waiting but those who ask it, and a tenant nobody but itself. A free place goes to the tenant that has the fewest.
 */
export class Turnstile {
  readonly #limits: AskingLimits;
  readonly #tenants = new Map<string, Tenant>();
  /** Where nobody is, but those who were told to come again may: forgotten when their time is over. */
  readonly #awaited = new Map<Service, string>();
  #underWay = 0;

  constructor(limits: AskingLimits) {
    this.#limits = limits;
  }

  /** Does `work` when there is a place for it. Throws `Crowded` where too many wait for one. */
  async pass<T>(tenantId: string, name: string, work: () => Promise<T>): Promise<T> {
    const service = this.#service(tenantId, name);
    const { tenant } = service;
    if (!this.#hasPlace(service)) {
      const { perService, perTenant } = this.#limits;
      if (service.waiting.length >= LONGEST_QUEUE) throw new Crowded(name, comeAgainInMs(service, perService));
      if (tenant.waiting >= LONGEST_QUEUE_OF_TENANT) {
        this.#forget(tenantId, service);
        throw new Crowded(name, comeAgainInMs(tenant, perTenant));
      }
      tenant.waiting += 1;
      await new Promise<void>((resolve) => service.waiting.push(resolve));
    } else this.#take(service, 1);
    const beganAtMs = performance.now();
    try {
      return await work();
    } finally {
      const tookMs = performance.now() - beganAtMs;
      for (const line of [service, tenant]) line.tookMs += WEIGHT * (tookMs - line.tookMs);
      this.#take(service, -1);
      this.#letIn();
      this.#forget(tenantId, service);
    }
  }

  #service(tenantId: string, name: string): Service {
    const idle = { underWay: 0, tookMs: 0, busyUntilMs: 0 };
    const tenant = this.#tenants.get(tenantId) ?? { ...idle, waiting: 0, services: new Map() };
    this.#tenants.set(tenantId, tenant);
    const service = tenant.services.get(name) ?? { ...idle, name, tenant, waiting: [] };
    tenant.services.set(name, service);
    return service;
  }

  #hasPlace({ underWay, tenant }: Service): boolean {
    const { total, perTenant, perService } = this.#limits;
    return this.#underWay < total && tenant.underWay < perTenant && underWay < perService;
  }

  #take(service: Service, places: 1 | -1): void {
    service.underWay += places;
    service.tenant.underWay += places;
    this.#underWay += places;
  }

  /** The place that has become free goes to the next of the tenant that has the fewest. */
  #letIn(): void {
    for (;;) {
      let next: Service | null = null;
      for (const tenant of this.#tenants.values()) {
        if (next !== null && tenant.underWay >= next.tenant.underWay) continue;
        for (const service of tenant.services.values()) {
          if (service.waiting.length === 0 || !this.#hasPlace(service)) continue;
          if (next === null || tenant.underWay < next.tenant.underWay || service.underWay < next.underWay)
            next = service;
        }
      }
      const enter = next?.waiting.shift();
      if (!next || !enter) return;
      next.tenant.waiting -= 1;
      this.#take(next, 1);
      enter();
    }
  }

  /** How many services are known, of all tenants. */
  get size(): number {
    return [...this.#tenants.values()].reduce((sum, { services }) => sum + services.size, 0);
  }

  #forget(tenantId: string, service: Service): void {
    this.#awaited.set(service, tenantId);
    const nowMs = performance.now();
    // No longer than a minute ago they were told to, so these are few.
    for (const [known, ofTenant] of this.#awaited) {
      const { tenant, name, underWay, waiting, busyUntilMs } = known;
      const isInUse = underWay > 0 || waiting.length > 0;
      if (!isInUse && busyUntilMs > nowMs) continue;
      this.#awaited.delete(known);
      if (isInUse || tenant.services.get(name) !== known) continue;
      tenant.services.delete(name);
      if (tenant.services.size === 0 && this.#tenants.get(ofTenant) === tenant) this.#tenants.delete(ofTenant);
    }
  }
}

/** One after the other, as fast as answers have come of late. */
function comeAgainInMs(line: Line, places: number): number {
  const nowMs = performance.now();
  const stepMs = line.tookMs / places;
  line.busyUntilMs = Math.max(line.busyUntilMs, nowMs + SHORTEST_WAIT_MS) + stepMs;
  line.busyUntilMs = Math.min(line.busyUntilMs, nowMs + LONGEST_WAIT_MS);
  return line.busyUntilMs - nowMs;
}
