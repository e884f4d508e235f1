import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import { DEFAULT_TENANT, type Tenant } from "../../core/tenant.ts";
import { type TenantLimits, tenantLimits } from "../../store/keys.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { type Actor, isAnybody } from "../actor.ts";
import { Problem } from "../problem.ts";
import { invalidToken, unauthenticated } from "./challenge.ts";
import { databaseClock } from "./clock.ts";
import { Failures } from "./failures.ts";
import { KeyRing } from "./key-ring.ts";
import { idOf, KEY_PREFIX } from "./key-text.ts";
import { Memory } from "./memory.ts";
import { createOidc } from "./oidc.ts";
import type { Reach } from "./reach.ts";
import { remembered } from "./remembered.ts";
import { isScope, type Scope } from "./scope.ts";
import type { OidcSettings } from "./settings.ts";

export interface GateOptions {
  database: ApiDatabase;
  log: FastifyBaseLogger;
  oidc: OidcSettings | null;
  reach: Reach;
}

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;
const TENANT_FRESH_MS = 2_000;
const MOST_TENANTS = 10_000;

/** Null where there is no such tenant. */
type Limits = TenantLimits | null;

/** Says who asks. As long as nobody has a key, and only this machine can reach us, that is anybody. */
export class Gate {
  readonly #options: GateOptions;
  readonly #keys: KeyRing;
  readonly #failures = new Failures();
  readonly #verify: ReturnType<typeof createOidc> | null;
  readonly #tenants = new Memory<() => Limits | Promise<Limits>>(MOST_TENANTS);

  constructor(options: GateOptions) {
    this.#options = options;
    this.#keys = new KeyRing(options.database, options.log);
    this.#verify = options.oidc ? createOidc(options.oidc, databaseClock(options.database)) : null;
  }

  /** Throws 401 for who can't be known, 403 for a tenant that isn't there, and 429 for who has failed too often. */
  async admit(request: FastifyRequest): Promise<Actor> {
    const { authorization } = request.headers;
    const token = BEARER.exec(authorization ?? "")?.[1];
    if (token === undefined) {
      if (await this.#isOpen()) return isAnybody(request);
      throw unauthenticated();
    }
    const isKey = token.startsWith(KEY_PREFIX);
    // To look for a key costs a question to the database. What a token says is checked here, so one that is good is let in
    // whatever others of its address have shown.
    if (isKey && !this.#keys.remembers(idOf(token) ?? "", token)) this.#failures.refuseIfTooMany(request.ip);
    try {
      return await (isKey ? this.#byKey(token) : this.#byToken(token));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        this.#failures.refuseIfTooMany(request.ip);
        this.#failures.note(request.ip);
        request.log.warn({ address: request.ip, because: error.message }, "somebody was turned away");
      }
      throw error;
    }
  }

  /** Writes down what isn't yet. */
  close(): Promise<void> {
    return this.#keys.close();
  }

  async #isOpen(): Promise<boolean> {
    return this.#verify === null && this.#options.reach() !== "network" && !(await this.#keys.hasKeys());
  }

  async #byKey(text: string): Promise<Actor> {
    const id = idOf(text);
    if (id === null) throw invalidToken("this is no key: a part of it is missing or mistyped");
    const shown = await this.#keys.show(id, text);
    if (!shown.known) throw invalidToken("there is no such key");
    const { key } = shown;
    if (key.state !== "valid") throw invalidToken(`the key ${id} is ${key.state}`);
    return {
      tenant: key.tenant,
      subject: `key:${id}`,
      name: `key ${id} (${key.name})`,
      scopes: known(key.scopes),
      limits: { own: key.keyLimit, tenant: key.tenantLimit },
    };
  }

  async #byToken(token: string): Promise<Actor> {
    if (!this.#verify)
      throw invalidToken("this is no key: keys begin with rmd_ and are made by reminder-engine keys create");
    const { subject, tenant: named, scopes } = await this.#verify(token);
    const tenant = named ?? DEFAULT_TENANT;
    const limits = await this.#limitsOf(tenant);
    if (!limits) throw new Problem(403, `there is no tenant ${tenant} here`);
    return {
      tenant,
      subject: `oidc:${subject}`,
      name: `oidc ${subject}`,
      scopes: known(scopes),
      limits: { own: null, tenant: limits.requestsPerMinute },
    };
  }

  #limitsOf(tenant: Tenant): Limits | Promise<Limits> {
    const known = this.#tenants.get(tenant);
    if (known) return known();
    const ask = remembered(() => tenantLimits(this.#options.database.forTenant(tenant)), TENANT_FRESH_MS);
    this.#tenants.set(tenant, ask);
    return ask();
  }
}

/** Scopes of newer versions, and of others that a token names, are none here. */
function known(scopes: readonly string[]): ReadonlySet<Scope> {
  return new Set(scopes.filter(isScope));
}
