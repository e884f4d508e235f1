import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { noteAnswers, releaseAsked } from "../store/asking.ts";
import { insertEvents } from "../store/events.ts";
import {
  claimOne,
  type DueClaim,
  type DueReminder,
  dueIds,
  insertDeliveries,
  writeCompleted,
  writeEscalated,
  writeFired,
  writePaused,
} from "../store/firing.ts";
import { isFaultOfRows, isTimedOut, type Sql } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { writeMoved } from "../store/unplanned.ts";
import type { Place } from "../store/wake.ts";
import { addAudiences } from "./audience.ts";
import type { Claims } from "./claims.ts";
import type { Deliverer } from "./deliver.ts";
import { planFiring } from "./planning/firing.ts";
import type { AskedBefore } from "./planning/plan.ts";
import { type EngineSettings, FIRE_AHEAD_MS } from "./settings.ts";
import { tellOperator } from "./tell-operator.ts";

export interface Firing {
  database: WorkerDatabase;
  channels: Channels;
  deliverer: Deliverer;
  claims: Claims;
  settings: Pick<EngineSettings, "leaseSeconds" | "hold" | "ceiling">;
  /** See `DueClaim`. */
  from: Place | null;
  log: Logger;
}

/**
 * Fires a batch of due reminders in one transaction: claims them, decides each, and writes everything back. What is to be
 * sent now is handed to the deliverer once it is committed. A crash anywhere loses nothing and sends nothing. Returns how
 * many reminders it dealt with.
 */
export async function fireBatch(firing: Firing): Promise<number> {
  const { claims, log } = firing;
  let ids: number[] | null = null;
  try {
    const { count, left } = await fireClaimed(firing, async (sql) => {
      const due = await claims.claim(sql, dueClaim(firing));
      ids = due.map(({ reminder }) => reminder.id);
      return due;
    });
    if (left.length > 0) claims.leftSome(left);
    else claims.wentWell();
    return count;
  } catch (error) {
    // The same batch would take as long the next time.
    if (isTimedOut(error)) claims.tookTooLong();
    if (!isOfRows(error)) throw error;
    log.error({ err: error }, "a batch can't be fired; firing its reminders one by one");
    return await fireOneByOne(firing, ids ?? (await dueIds(firing.database, dueClaim(firing), claims.limit)));
  }
}

/** Fires the same apart, so that one that can't be fired holds up no other: it is paused, and its timeline says why. */
async function fireOneByOne(firing: Firing, ids: readonly number[]): Promise<number> {
  for (const id of ids) {
    try {
      await fireClaimed(firing, (sql) => claimOne(sql, id, FIRE_AHEAD_MS));
    } catch (error) {
      if (!isOfRows(error)) throw error;
      if (!(await setAside(firing, id, error as Error))) firing.claims.leaveOut(id);
    }
  }
  return ids.length;
}

/**
 * Fires what `claim` locks, in its transaction; `asked`: what was asked before became of it. Returns how many those were, and those for which
 * there was no time: they are still due.
 */
export async function fireClaimed(
  { database, channels, deliverer, settings, log }: Omit<Firing, "claims" | "from">,
  claim: Claim,
  asked: AskedBefore | null = null,
): Promise<{ count: number; left: readonly DueReminder[] }> {
  const { hold, ceiling } = settings;
  const lease = { token: randomUUID(), seconds: settings.leaseSeconds };
  const readAtMs = performance.now();
  const { due, plan } = await database.transaction(async (sql) => {
    const due = await claim(sql);
    await addAudiences(sql, due);
    const heardAtMs = performance.now();
    const rooms = deliverer.rooms();
    const plan = await planFiring(due, { channels, rooms, lease, readAtMs, heardAtMs, hold, ceiling, asked });
    await Promise.all([
      writeFired(sql, plan.fired),
      writeEscalated(sql, plan.escalated),
      writeCompleted(sql, plan.completed),
      writePaused(sql, plan.paused),
      writeMoved(sql, plan.moved),
      insertDeliveries(sql, plan.deliveries, lease),
      insertEvents(sql, plan.events),
      noteAnswers(sql, plan.noted),
      asked ? releaseAsked(sql, plan.released, asked.token) : null,
    ]);
    return { due, plan };
  });
  tellOperator(log, plan.events);
  for (const held of plan.held) deliverer.accept(held);
  for (const delivery of plan.deliveries)
    if (delivery.status === "pending" && !delivery.notBefore) deliverer.turnedAway(delivery.channel);
  return { count: due.length - plan.left.length, left: plan.left };
}

function dueClaim({ claims, channels, from }: Firing): DueClaim {
  return { channels: [...channels.keys()], from, aheadMs: FIRE_AHEAD_MS, leaveOut: claims.leftOut() };
}

/** Plain SQL can write rules that can't be read as well as values that can't be stored. */
export function isOfRows(error: unknown): boolean {
  return error instanceof RuleError || isFaultOfRows(error);
}

type Claim = (sql: Sql) => Promise<DueReminder[]>;

/** Pauses a reminder that can't be fired. False where it can't even be paused. */
export async function setAside(
  { database, log }: Pick<Firing, "database" | "log">,
  reminderId: number,
  { message }: Error,
): Promise<boolean> {
  try {
    await database.transaction(async (sql) => {
      const because = `it can't be fired as it is: ${message}; correct it, then resume it`;
      const paused = await writePaused(sql, [{ id: reminderId, because }]);
      if (paused.length > 0) await insertEvents(sql, [{ reminderId, type: "paused", because }]);
    });
    return true;
  } catch (error) {
    if (!isFaultOfRows(error)) throw error;
    log.error({ err: error, reminder: reminderId }, "a reminder can be neither fired nor paused; leaving it out");
    return false;
  }
}
