import { CHANNEL_NAMES } from "../channels/names.ts";
import {
  circleIn,
  DOWN_RULE,
  type Fallback,
  type Fallbacks,
  fallbacksWith,
  flawOfFallbacks,
  readDownTime,
} from "../core/fallback.ts";
import { deleteFallback, listFallbacks, readFallbacksOf, writeFallback } from "../store/channel-fallbacks.ts";
import { isTenant } from "../store/tenants.ts";
import { note } from "./note.ts";
import { ownedDatabase } from "./owned-database.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";

/** Written instead of a channel: there is to be no fallback. */
const NONE = "none";

/** `channels fallback set CHANNEL FALLBACK`: noted in the audit. Throws `CannotRun`. */
export function setFallback(channel: string, to: string, options: { tenant: string; after?: string }): Command {
  const { tenant, after } = options;
  return async (service) => {
    const fallback = fallbackOf(channel, to, after);
    const database = await ownedDatabase(service, "channels fallback set");
    if (!(await isTenant(database, tenant)))
      throw new CannotRun(`there is no tenant ${tenant}: create it with \`reminder-engine tenants create\``);
    await database.transaction(async (sql) => {
      const own = (await readFallbacksOf(sql, [tenant])).get(tenant) ?? new Map();
      refuseCircle(fallbacksWith(service.config.engine.fallbacks, new Map([...own, [channel, fallback]])));
      await writeFallback(sql, tenant, channel, fallback);
      const details = { fallback: fallback?.channel ?? null, ...(after === undefined ? {} : { after }) };
      await note(sql, tenant, { operation: "channels fallback set", target: `channel ${channel}`, details });
    });
    say(`Of tenant ${tenant}, ${told(channel, fallback)}; workers follow at once`);
    return "done";
  };
}

function fallbackOf(channel: string, to: string, after: string | undefined): Fallback | null {
  const afterMs = after === undefined ? null : readDownTime(after);
  if (after !== undefined && afterMs === null) throw new CannotRun(`--after must be ${DOWN_RULE}, not ${after}`);
  if (to === NONE && after !== undefined) throw new CannotRun("--after means nothing where there is no fallback");
  const fallback = to === NONE ? null : { channel: to, afterMs };
  const flaw = flawOfFallbacks(new Map([[channel, fallback]]), CHANNEL_NAMES);
  if (flaw !== null) throw new CannotRun(`it must be ${flaw}`);
  return fallback;
}

function refuseCircle(fallbacks: Fallbacks): void {
  const circle = circleIn(fallbacks);
  if (circle === null) return;
  const rule = "with what CHANNEL_FALLBACKS and the tenant say already, it would be a circle";
  throw new CannotRun(`${rule}: ${circle.join(" -> ")}; say \`none\` for one of them first`);
}

/** `channels fallback unset CHANNEL`. Throws `CannotRun` where nothing was said. */
export function unsetFallback(channel: string, tenant: string): Command {
  return async (service) => {
    const database = await ownedDatabase(service, "channels fallback unset");
    const wasSet = await database.transaction(async (sql) => {
      const wasSet = await deleteFallback(sql, tenant, channel);
      if (wasSet) await note(sql, tenant, { operation: "channels fallback unset", target: `channel ${channel}` });
      return wasSet;
    });
    if (!wasSet)
      throw new CannotRun(
        `tenant ${tenant} has said nothing of ${channel}: see \`reminder-engine channels fallback list\``,
      );
    say(`For tenant ${tenant}, CHANNEL_FALLBACKS says again what the fallback of ${channel} is`);
    return "done";
  };
}

/** `channels fallback list`: a line each. */
export function listOwnFallbacks(tenant: string | null): Command {
  return async (service) => {
    const database = await ownedDatabase(service, "channels fallback list");
    const all = await listFallbacks(database, tenant);
    if (all.size === 0) say("Nothing is set: CHANNEL_FALLBACKS says it for all");
    for (const [name, own] of all) for (const [channel, fallback] of own) say(`${name}  ${told(channel, fallback)}`);
    return "done";
  };
}

function told(channel: string, fallback: Fallback | null): string {
  if (fallback === null) return `what ${channel} can't deliver goes over no other channel`;
  const seconds = fallback.afterMs === null ? null : fallback.afterMs / 1_000;
  const also = seconds === null ? "" : `, also after ${saidTime(seconds)} of failing`;
  return `what ${channel} can't deliver goes over ${fallback.channel}${also}`;
}

function saidTime(seconds: number): string {
  if (seconds % 60 !== 0) return `${seconds}s`;
  const minutes = seconds / 60;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
