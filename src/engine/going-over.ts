import type { Channels } from "../channels/registry.ts";
import { placeKey } from "../core/address-key.ts";
import { channelsAfter, type Fallbacks, fallbacksWith, goesOverInMs, PER_HOP } from "../core/fallback.ts";
import { deliveryId } from "../core/reminder.ts";
import { saidDuration } from "../core/schedule/wall-text.ts";
import { readFallbacksOf } from "../store/channel-fallbacks.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { NewEvent } from "../store/events.ts";
import { addressesOf, type Failing, type GoingOver, noteFailed } from "../store/going-over.ts";
import type { Sql } from "../store/postgres.ts";
import { addAudiences } from "./audience.ts";
import { mayGoTogether } from "./digest.ts";
import type { Held } from "./held.ts";
import { type Ended, givenUp } from "./outcome.ts";
import { type Way, wayOver } from "./way-over.ts";

/** What decides over which channel a message goes that another one can't deliver. */
export interface Overs {
  /** Of tenants that say nothing else. */
  fallbacks: Fallbacks;
  channels: Channels;
}

export interface WhatGoesOver {
  /** The attempts as they are to be stored. */
  batch: readonly Ended[];
  /** What goes over another channel, by the delivery in whose stead. */
  going: ReadonlyMap<Held, GoingOver>;
  /** What the timelines say of that, or why it doesn't. */
  told: ReadonlyMap<Held, NewEvent[]>;
}

/** A failed attempt for which a fallback is named. */
interface Failed {
  ended: Ended;
  failing: Failing;
  /** The channels that are left to it. */
  left: readonly string[];
}

/**
 * What goes over another channel of the attempts that have just ended: what failed for good, and what has only failed for as long as
 * its fallback says. Only what has certainly not arrived, and once each: the results and what goes over are of one transaction, and
 * a result that is stored is never stored again. Where nothing failed, nothing is asked.
 */
export async function whatGoesOver(
  sql: Sql,
  batch: readonly Ended[],
  reminders: ReadonlyMap<number, ReminderWithFacts>,
  { fallbacks: shared, channels }: Overs,
): Promise<WhatGoesOver> {
  const failed = batch.filter(({ outcome }) => outcome.mayGoOver || outcome.mayHaveArrived);
  if (failed.length === 0) return { batch, going: new Map(), told: new Map() };
  const own = await readFallbacksOf(sql, [...new Set(failed.map(({ held }) => held.tenantId))]);
  const fallbacksOf = ({ tenantId }: Held): Fallbacks => fallbacksWith(shared, own.get(tenantId) ?? new Map());
  const waiting = await sinceWhen(sql, failed, fallbacksOf);

  const changed = new Map<Ended, Ended>();
  const due: Failed[] = [];
  for (const one of waiting) {
    const { held, outcome } = one.ended;
    if (outcome.status !== "retrying") due.push(one);
    if (outcome.status !== "retrying" || outcome.untried || one.failing.mayHaveArrived) continue;
    const inMs = goesOverInMs(fallbacksOf(held).get(held.channel), one.failing.firstFailedAt, one.failing.now);
    if (inMs === 0) due.push(one);
    // Tried once more at that instant, instead of after it.
    else if (inMs !== null && inMs < outcome.retryInMs)
      changed.set(one.ended, { held, outcome: { ...outcome, retryInMs: inMs } });
  }

  const going = new Map<Held, GoingOver>();
  const told = new Map<Held, NewEvent[]>();
  for (const [one, way] of await waysOf(sql, due, reminders, channels)) {
    const { held, outcome } = one.ended;
    const known = reminders.get(held.reminderId) as ReminderWithFacts;
    if (typeof way === "string") {
      // While it may pass, there is nothing to tell yet.
      if (outcome.status !== "retrying") told.set(held, [noFallback(one, way)]);
      continue;
    }
    const { tenantId, reminderId, occurrenceAt, recipientNo } = held;
    const over = {
      tenantId,
      reminderId,
      occurrenceAt,
      recipientNo: recipientNo + PER_HOP,
      bucket: known.bucket,
      ...way,
      isTogether: held.digest !== null && mayGoTogether(channels.get(way.channel), way.recipient),
    };
    going.set(held, over);
    told.set(held, [fellBack(held, over)]);
    if (outcome.status === "retrying") changed.set(one.ended, { held, outcome: givenUp(outcome, saidDown(one)) });
  }
  return { batch: batch.map((ended) => changed.get(ended) ?? ended), going, told };
}

/** Those for which a fallback is named, with since when they have failed. What may have arrived is noted of the others, too. */
async function sinceWhen(
  sql: Sql,
  failed: readonly Ended[],
  fallbacksOf: (held: Held) => Fallbacks,
): Promise<Failed[]> {
  const withLeft = failed.map((ended) => {
    const { channel, addressed } = ended.held;
    return { ended, left: channelsAfter(channel, addressed?.tried ?? [], fallbacksOf(ended.held)) };
  });
  const noted = withLeft.filter(({ ended, left }) => left.length > 0 || ended.outcome.mayHaveArrived);
  const since = await noteFailed(
    sql,
    noted.map(({ ended: { held, outcome } }) => ({ ...held, mayHaveArrived: outcome.mayHaveArrived === true })),
  );
  return noted.flatMap(({ ended, left }) => {
    const failing = since.get(deliveryId(ended.held));
    return failing && left.length > 0 ? [{ ended, failing, left }] : [];
  });
}

/** The way that each of these takes, or why there is none for it. Those whose reminder is gone need none. */
async function waysOf(
  sql: Sql,
  due: readonly Failed[],
  reminders: ReadonlyMap<number, ReminderWithFacts>,
  channels: Channels,
): Promise<Map<Failed, Way | string>> {
  const concerned = new Map(due.map(({ ended: { held } }) => [held.reminderId, reminders.get(held.reminderId)]));
  await addAudiences(
    sql,
    [...concerned.values()].filter((known) => known !== undefined),
  );
  const placeOf = (key: Pick<Held, "reminderId" | "occurrenceAt">, channel: string, recipient: string): string =>
    `${key.reminderId}-${key.occurrenceAt} ${channel} ${placeKey(recipient)}`;
  const used = await addressesOf(
    sql,
    due.map(({ ended: { held } }) => held),
  );
  const taken = new Set(used.map((one) => placeOf(one, one.channel, one.recipient)));

  const ways = new Map<Failed, Way | string>();
  for (const one of due) {
    const { ended, failing, left } = one;
    const known = concerned.get(ended.held.reminderId);
    if (!known) continue;
    const way = failing.mayHaveArrived ? MAY_HAVE_ARRIVED : wayOver(ended.held, known, left, channels, failing.now);
    const place = typeof way === "string" ? null : placeOf(ended.held, way.channel, way.recipient);
    if (typeof way !== "string" && place !== null && taken.has(place)) {
      ways.set(one, `another message for the same occurrence goes to ${way.recipient} by ${way.channel}`);
      continue;
    }
    if (place !== null) taken.add(place);
    ways.set(one, way);
  }
  return ways;
}

const MAY_HAVE_ARRIVED = "an attempt may have arrived all the same";

function saidDown({ ended: { held }, failing: { firstFailedAt, now } }: Failed): string {
  return `${held.channel} has only failed for ${saidDuration(now - firstFailedAt)}`;
}

function fellBack(held: Held, over: GoingOver): NewEvent {
  const because = `it goes over ${over.channel} to ${over.recipient}, as ${held.channel} could not deliver it`;
  const details = { delivery: deliveryId(held), channel: held.channel, to_channel: over.channel, to: over.recipient };
  return {
    reminderId: held.reminderId,
    type: "fell_back",
    because,
    details: { ...details, instead: deliveryId(over) },
  };
}

function noFallback({ ended: { held }, left }: Failed, why: string): NewEvent {
  const because = `it does not go over ${left.join(" or ")} instead: ${why}`;
  const details = { delivery: deliveryId(held), channel: held.channel };
  return { reminderId: held.reminderId, type: "no_fallback", because, details };
}
