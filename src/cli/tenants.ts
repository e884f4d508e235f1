import type { JsonObject } from "../core/json.ts";
import { isZone } from "../core/schedule/zone.ts";
import { isTenantName, TENANT_NAME_RULE } from "../core/tenant.ts";
import type { Session } from "../store/postgres.ts";
import {
  countActive,
  createTenant,
  listTenants,
  type OwnSettings,
  readOwnSettings,
  setOwnSettings,
  type TenantRow,
} from "../store/tenants.ts";
import { note } from "./note.ts";
import { ownedDatabase } from "./owned-database.ts";
import { quietHoursOf, writeQuietHours } from "./quiet-hours.ts";
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

/** `tenants list`: a name a line; as JSON, with what is its own of each. */
export function tenantsList({ json }: { json?: true }): Command {
  return async (service) => {
    const tenants = await listTenants(await open(service));
    if (json) say(JSON.stringify(tenants.map(toJson), null, 2));
    else for (const { name } of tenants) say(name);
    return "done";
  };
}

/** What can be said of a tenant, by option, with the most that it can be and what counts where nothing is said. */
const LIMITS = [
  {
    field: "requestsPerMinute",
    option: "--requests-per-minute",
    most: 1_000_000,
    otherwise: "as RATE_LIMIT_PER_TENANT says",
  },
  { field: "sendsPerMinute", option: "--sends-per-minute", most: 1_000_000, otherwise: "as SENDS_PER_MINUTE says" },
  {
    field: "sendsPerRecipientPerHour",
    option: "--sends-per-recipient-per-hour",
    most: 100_000,
    otherwise: "as SENDS_PER_RECIPIENT_PER_HOUR says",
  },
  { field: "maxReminders", option: "--max-reminders", most: 9_999_999, otherwise: "as many as there are" },
] as const;

const OTHERS = ["--time-zone", "--quiet-hours"];
/** Everything that waits for another cap is told of it. */
const PATIENCE = { statementMs: 10 * 60_000 };

export type OwnOptions = Partial<Record<keyof OwnSettings, string>>;

/** `tenants set NAME`: what is to be its own. What isn't named stays as it is. */
export function tenantsSet(name: string, options: OwnOptions): Command {
  return async (service) => {
    const wanted = ownOf(options);
    const database = await open(service);
    const own = await database.transaction(async (sql) => {
      const before = await readOwnSettings(sql, name);
      if (!before) throw noTenant(name);
      const own = { ...before, ...wanted };
      await setOwnSettings(sql, name, own);
      await note(sql, name, {
        operation: "tenants set",
        target: `tenant ${name}`,
        details: { ...wanted } as JsonObject,
      });
      return own;
    }, PATIENCE);
    tell(own);
    return "done";
  };
}

/** `tenants show NAME`: what is its own. */
export function tenantsShow(name: string): Command {
  return async (service) => {
    const database = await open(service);
    const own = await readOwnSettings(database, name);
    if (!own) throw noTenant(name);
    tell(own);
    line("active reminders", String(await countActive(database, name)));
    return "done";
  };
}

function open(service: Service): Promise<Session> {
  return ownedDatabase(service, "tenants");
}

function ownOf(options: OwnOptions): Partial<OwnSettings> {
  const given = LIMITS.filter(({ field }) => options[field] !== undefined);
  const { timeZone, quietHours } = options;
  if (given.length === 0 && timeZone === undefined && quietHours === undefined) {
    throw new CannotRun(`name what to set: ${[...LIMITS.map(({ option }) => option), ...OTHERS].join(", ")}`);
  }
  return {
    ...Object.fromEntries(
      given.map(({ field, option, most }) => [field, numberOf(options[field] as string, option, most)]),
    ),
    ...(timeZone === undefined ? {} : { timeZone: zoneOf(timeZone) }),
    ...(quietHours === undefined ? {} : { quietHours: quietHoursOf(quietHours) }),
  };
}

/** Null for `none`. */
function zoneOf(text: string): string | null {
  if (text === "none") return null;
  if (isZone(text)) return text;
  throw new CannotRun(`--time-zone must be a time zone of the IANA database, like Europe/Berlin, or none, not ${text}`);
}

/** Null for `none`. */
function numberOf(text: string, option: string, most: number): number | null {
  if (text === "none") return null;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  throw new CannotRun(`${option} must be a whole number from 1 to ${most}, or none, not ${text}`);
}

const WIDTH = Math.max(...LIMITS.map(({ option }) => option.length));

function line(name: string, value: string): void {
  say(`${`${name}:`.padEnd(WIDTH)}${value}`);
}

function tell(own: OwnSettings): void {
  for (const { field, option, otherwise } of LIMITS) {
    line(option.slice(2), String(own[field] ?? otherwise));
  }
  line("time-zone", own.timeZone ?? "UTC");
  line("quiet-hours", own.quietHours === null ? "none" : writeQuietHours(own.quietHours));
}

function toJson({ name, createdAt, ...own }: TenantRow): Record<string, unknown> {
  const limits = LIMITS.map(({ field, option }) => [option.slice(2).replaceAll("-", "_"), own[field]]);
  const others = { time_zone: own.timeZone, quiet_hours: own.quietHours && writeQuietHours(own.quietHours) };
  return { name, created_at: new Date(createdAt).toISOString(), ...Object.fromEntries(limits), ...others };
}

function noTenant(name: string): CannotRun {
  return new CannotRun(
    `there is no tenant ${JSON.stringify(name)}: reminder-engine tenants list shows those that there are`,
  );
}
