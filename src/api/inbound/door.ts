import type { FastifyRequest } from "fastify";
import { isTenantName } from "../../core/tenant.ts";
import { CannotOpen, type Keyring } from "../../secrets/keyring.ts";
import { type InboundProof, inboundSecretKind, readInboundProof } from "../../store/inbound-sources.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { Failures } from "../access/failures.ts";
import { Memory } from "../access/memory.ts";
import type { Actor } from "../actor.ts";
import type { ApiContext } from "../context.ts";
import { Problem } from "../problem.ts";
import { CannotProve, NotProved } from "./provider.ts";
import { PROVIDERS } from "./registry.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The provider's name for what it has sent; null where it isn't one that has. */
    told: string | null;
  }
}

const MOST_KNOWN = 10_000;
const EMPTY = Buffer.alloc(0);

interface DoorOptions {
  database: ApiDatabase;
  keyring: Keyring;
  http: ApiContext["http"];
  /** Where people reach this installation; null: nobody has said. */
  publicUrl: string | null;
}

/** Lets in the provider that the path names, if it shows what the tenant has set for it. */
export class ProviderDoor {
  readonly #options: DoorOptions;
  readonly #failures = new Failures();
  /** Providers by an address from which they were seen to be good. */
  readonly #good = new Memory<true>(MOST_KNOWN);

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Throws 401 for who doesn't show that it is the provider, and 503 where that can't be found out. The body must have been read. */
  async admit(request: FastifyRequest): Promise<Actor> {
    const { tenant = "", provider: name = "" } = request.params as { tenant?: string; provider?: string };
    const provider = PROVIDERS.get(name);
    const seen = `${request.ip} ${tenant}/${name}`;
    // Who shows nothing good, be it in another's name, is not to keep out those that do.
    if (!this.#good.get(seen)) this.#failures.refuseIfTooMany(request.ip);
    try {
      // What can't be a name gets the same answer as one that nobody has.
      if (!provider || !isTenantName(tenant)) throw new NotProved("nothing is taken from this provider here");
      const proof = await readInboundProof(this.#options.database.forTenant(tenant), name);
      const secrets = this.#open(tenant, name, proof);
      if (secrets.length === 0) throw new NotProved("nothing is taken from this provider here");
      const { headers, body } = request;
      const { publicUrl } = this.#options;
      const bytes = request.bytes ?? EMPTY;
      request.told = await provider.prove({
        headers,
        url: publicUrl === null ? null : `${publicUrl}${request.url}`,
        bytes,
        body,
        secrets,
        now: proof.now,
        http: this.#options.http ?? null,
      });
      this.#good.set(seen, true);
      const limits = { own: null, tenant: proof.requestsPerMinute };
      return {
        tenant,
        subject: `provider:${tenant}/${name}`,
        name: `provider ${name}`,
        scopes: new Set(),
        limits,
      };
    } catch (error) {
      // A key that can't be got may be at an address that was made up; each costs more than one that is no good.
      if (error instanceof CannotProve) this.#noteFailure(request.ip);
      if (error instanceof CannotProve || error instanceof CannotOpen) {
        request.log.error({ tenant, provider: name }, `what a provider tells can't be checked: ${error.message}`);
        throw new Problem(503, "it can't be checked at the moment; try again", { headers: { "retry-after": "60" } });
      }
      if (!(error instanceof NotProved)) throw error;
      this.#noteFailure(request.ip);
      request.log.warn({ address: request.ip, because: error.message }, "what a provider tells was turned away");
      throw new Problem(401, error.message, { headers: { "www-authenticate": 'Basic realm="reminder-engine"' } });
    }
  }

  /** Many may have come at once, before the first of them had failed. */
  #noteFailure(address: string): void {
    this.#failures.refuseIfTooMany(address);
    this.#failures.note(address);
  }

  #open(tenantId: string, provider: string, { secrets }: InboundProof): string[] {
    return secrets.map(({ name, sealed }) =>
      this.#options.keyring.open({ tenantId, kind: inboundSecretKind(provider), name }, sealed),
    );
  }
}
