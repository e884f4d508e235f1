import { isTenantName, TENANT_NAME_RULE } from "../core/tenant.ts";
import type { Session } from "../store/postgres.ts";
import { createTenant, listTenants, type OwnLimits, readOwnLimits, setOwnLimits } from "../store/tenants.ts";
import { note } from "./note.ts";
import { ownedDatabase } from "./owned-database.ts";
import type { Command, Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";

/** `tenants create NAME`. Doing it again changes nothing. */
export function tenantsCreate(name: string): Command {
  return async (service) => {
    if (!isTenantName(name))
      throw new CannotRun(`a tenant's name is ${TENANT_NAME_RULE}: ${JSON.stringify(name)} is none`);
    const isNew = await createTenant(await open(service), name);
    say(isNew ? `Created the tenant ${name}` : `There is a tenant ${name} already`);
    return "done";
  };
}

/** `tenants list`: a name a line. */
export async function tenantsList(service: Service): Promise<"done"> {
  for (const { name } of await listTenants(await open(service))) say(name);
  return "done";
}

/** What can be said of a tenant, by option, with the most that it can be and what counts where nothing is said. */
const LIMITS = [
  { field: "requestsPerMinute", option: "--requests-per-minute", most: 1_000_000, otherwise: "RATE_LIMIT_PER_TENANT" },
  { field: "sendsPerMinute", option: "--sends-per-minute", most: 1_000_000, otherwise: "SENDS_PER_MINUTE" },
  {
    field: "sendsPerRecipientPerHour",
    option: "--sends-per-recipient-per-hour",
    most: 100_000,
    otherwise: "SENDS_PER_RECIPIENT_PER_HOUR",
  },
] as const;

export type LimitOptions = Partial<Record<keyof OwnLimits, string>>;

/** `tenants set NAME`: limits of its own. Those that aren't named stay as they are. */
export function tenantsSet(name: string, options: LimitOptions): Command {
  return async (service) => {
    const wanted = limitsOf(options);
    const database = await open(service);
    const limits = await database.transaction(async (sql) => {
      const before = await readOwnLimits(sql, name);
      if (!before) throw noTenant(name);
      const limits = { ...before, ...wanted };
      await setOwnLimits(sql, name, limits);
      await note(sql, name, { operation: "tenants set", target: `tenant ${name}`, details: { ...wanted } });
      return limits;
    });
    tell(limits);
    return "done";
  };
}

/** `tenants show NAME`: its limits. */
export function tenantsShow(name: string): Command {
  return async (service) => {
    const limits = await readOwnLimits(await open(service), name);
    if (!limits) throw noTenant(name);
    tell(limits);
    return "done";
  };
}

function open(service: Service): Promise<Session> {
  return ownedDatabase(service, "tenants");
}

function limitsOf(options: LimitOptions): Partial<OwnLimits> {
  const given = LIMITS.filter(({ field }) => options[field] !== undefined);
  if (given.length === 0) throw new CannotRun(`name what to set: ${LIMITS.map(({ option }) => option).join(", ")}`);
  return Object.fromEntries(
    given.map(({ field, option, most }) => [field, numberOf(options[field] as string, option, most)]),
  );
}

/** Null for `none`. */
function numberOf(text: string, option: string, most: number): number | null {
  if (text === "none") return null;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  throw new CannotRun(`${option} must be a whole number from 1 to ${most}, or none, not ${text}`);
}

function tell(limits: OwnLimits): void {
  const width = Math.max(...LIMITS.map(({ option }) => option.length));
  for (const { field, option, otherwise } of LIMITS) {
    say(`${`${option.slice(2)}:`.padEnd(width)}${limits[field] ?? `as ${otherwise} says`}`);
  }
}

function noTenant(name: string): CannotRun {
  return new CannotRun(
    `there is no tenant ${JSON.stringify(name)}: reminder-engine tenants list shows those that there are`,
  );
}
