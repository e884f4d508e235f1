import type { Instant } from "../instant.ts";
import type { World } from "./world.ts";

/** When workers work. Asked with instants of a clock that only goes forward. */
export class Workers {
  readonly #outages: World["outages"];
  #passed = 0;

  constructor({ outages }: Pick<World, "outages">) {
    this.#outages = outages;
  }

  /** The first instant from `instant` on at which a worker works. */
  from(instant: Instant, now: Instant): Instant {
    // What has passed is looked at once.
    while ((this.#outages[this.#passed]?.until ?? Number.POSITIVE_INFINITY) <= now) this.#passed += 1;
    for (let index = this.#passed; index < this.#outages.length; index += 1) {
      const outage = this.#outages[index] as World["outages"][number];
      if (instant < outage.from) return instant;
      if (instant < outage.until) return outage.until;
    }
    return instant;
  }

  /** When another worker takes over what one that is gone before `endsAt` has begun now; null: it is there till then. */
  takenOverAt(now: Instant, endsAt: Instant): Instant | null {
    const outage = this.#outages.find(({ from }) => from > now);
    return outage !== undefined && outage.from < endsAt ? outage.until : null;
  }
}
