import type { FastifyRequest } from "fastify";
import { isTenantName } from "../../core/tenant.ts";
import { CannotOpen, type Keyring } from "../../secrets/keyring.ts";
import { eventSecretKind, readSigning, type Signing } from "../../store/event-sources.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import type { Actor } from "../actor.ts";
import { Problem } from "../problem.ts";
import { isSourceName } from "../schemas/event-source.ts";
import { Failures } from "./failures.ts";
import { Memory } from "./memory.ts";
import { isSignedWith, isTimely, readSignature, type Signed } from "./webhook-signature.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came, where a signature is over it. */
    bytes: Buffer | null;
    /** Who has signed this request, and as what; null where it isn't one that is signed. */
    signed: { source: string; id: string } | null;
  }
}

const CHALLENGE = { "www-authenticate": 'StandardWebhooks realm="reminder-engine"' };
const MOST_KNOWN = 10_000;
const EMPTY = Buffer.alloc(0);

/** Lets in who signs with a secret of the source that the path names. */
export class SignedDoor {
  readonly #database: ApiDatabase;
  readonly #keyring: Keyring;
  readonly #failures = new Failures();
  /** Sources by an address from which they were seen to be good. */
  readonly #good = new Memory<true>(MOST_KNOWN);

  constructor(database: ApiDatabase, keyring: Keyring) {
    this.#database = database;
    this.#keyring = keyring;
  }

  /** Throws 401 for what isn't signed as it must be, and 429 for who has failed too often. The body must have been read. */
  async admit(request: FastifyRequest): Promise<Actor> {
    const { tenant = "", source = "" } = request.params as { tenant?: string; source?: string };
    const seen = `${request.ip} ${tenant}/${source}`;
    // Many senders share an address: one that signs badly, be it in another's name, is not to keep out those that don't.
    if (!this.#good.get(seen)) this.#failures.refuseIfTooMany(request.ip);
    try {
      const actor = await this.#verify(request, tenant, source);
      this.#good.set(seen, true);
      return actor;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        this.#failures.refuseIfTooMany(request.ip);
        this.#failures.note(request.ip);
        request.log.warn({ address: request.ip, because: error.message }, "an event was turned away");
      }
      throw error;
    }
  }

  async #verify(request: FastifyRequest, tenant: string, source: string): Promise<Actor> {
    const signed = readSignature(request.headers);
    if (typeof signed === "string") throw unsigned(signed);
    // What can't be a name gets the same answer as one that nobody has.
    if (!isTenantName(tenant) || !isSourceName(source)) throw notSignedByIt();
    const signing = await readSigning(this.#database.forTenant(tenant), source);
    if (!isTimely(signed, signing.now)) {
      throw unsigned(
        "webhook-timestamp must be within 5 minutes of now: sign it when you send it, with a clock that is right",
      );
    }
    this.#requireSignature(request, { tenant, source, signed, signing });
    request.signed = { source, id: signed.id };
    return {
      tenant,
      subject: `source:${tenant}/${source}`,
      name: `event source ${source}`,
      scopes: new Set(),
      limits: { own: null, tenant: signing.requestsPerMinute },
    };
  }

  #requireSignature(
    request: FastifyRequest,
    { tenant, source, signed, signing }: { tenant: string; source: string; signed: Signed; signing: Signing },
  ): void {
    let closed: CannotOpen | null = null;
    for (const { name, sealed } of signing.secrets) {
      try {
        const secret = this.#keyring.open({ tenantId: tenant, kind: eventSecretKind(source), name }, sealed);
        if (isSignedWith(secret, signed, request.bytes ?? EMPTY)) return;
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error;
        closed = error;
      }
    }
    if (closed === null) throw notSignedByIt();
    request.log.error({ tenant, source }, `the secret of an event source ${closed.message}`);
    throw new Problem(503, "the signature can't be checked at the moment; try again", {
      headers: { "retry-after": "60" },
    });
  }
}

function unsigned(detail: string): Problem {
  return new Problem(401, detail, { headers: CHALLENGE });
}

/** Nobody learns from it which tenants and sources there are. */
function notSignedByIt(): Problem {
  return unsigned("no secret of this source has made this signature over this id, time and body");
}
