import type { FastifyRequest } from "fastify";
import { isAnswered } from "../store/idempotency.ts";

/**
 * What takes its turns to be made of a request, and needs nothing that is to be so still when the request is worked on (zones and calendars are looked at once more as it is stored). It is made before the transaction that an
 * `Idempotency-Key` makes of the rest: that would keep a connection for as long as it waits for them.
 */
export class MadeBefore<T> {
  readonly #make: (request: FastifyRequest) => Promise<T>;
  readonly #made = new WeakMap<FastifyRequest, { made: T }>();

  constructor(make: (request: FastifyRequest) => Promise<T>) {
    this.#make = make;
  }

  /** For the route. Makes nothing of what is answered by what is kept under its key. */
  readonly preHandler = async (request: FastifyRequest): Promise<void> => {
    if (request.onceOnly !== null && (await isAnswered(request.database, request.onceOnly.key))) return;
    this.#made.set(request, { made: await this.#make(request) });
  };

  /** What was made; where what was kept under its key is gone meanwhile, it is made now. */
  async of(request: FastifyRequest): Promise<T> {
    return (this.#made.get(request) ?? { made: await this.#make(request) }).made;
  }
}
