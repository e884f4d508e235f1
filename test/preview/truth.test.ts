import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { Preview } from "../../src/api/schemas/preview.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { fieldsOf } from "../../src/core/schedule/fields.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "../../src/core/schedule/kinds.ts";
import { anyBounds, anySchedule, anyZone } from "../support/any-schedule.ts";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

type PreviewJson = z.output<typeof Preview>;

/** A day before the clocks change in Berlin. */
const START = Date.UTC(2027, 2, 27, 10, 30);
const DAY = 86_400_000;
const REMINDERS = 60;
/** The same drawing in every run; another one with PREVIEW_SEED. */
const SEED = Number(process.env.PREVIEW_SEED ?? 1);

const iso = (instant: number | null | undefined): string | null =>
  instant == null ? null : new Date(instant).toISOString();

/** What somebody would send to have such a reminder. */
function toWish(schedule: Schedule, bounds: Bounds, zone: string | null): Record<string, unknown> {
  const { intervalMinutes, intervalFactor, maxIntervalMinutes, cron, rrule, offsets, anchorAt } = fieldsOf(schedule);
  const isOnce = schedule.type === "one_time";
  const { startAt, endAt, maxOccurrences, jitterSeconds, misfirePolicy } = isOnce ? NO_BOUNDS : bounds;
  const runAt = schedule.type === "recurring" && startAt === null ? iso(schedule.anchorAt) : null;
  return wish({
    ...{ channel: "sink", recipient: "room 12", time_zone: zone, schedule_type: schedule.type },
    ...{ interval_minutes: intervalMinutes ?? null, interval_factor: intervalFactor ?? null },
    ...{ max_interval_minutes: maxIntervalMinutes ?? null, cron: cron ?? null, rrule: rrule ?? null },
    ...{ offsets: offsets ?? null, anchor_at: iso(anchorAt), run_at: isOnce ? iso(START + DAY) : runAt },
    ...{ start_at: iso(startAt), end_at: iso(endAt), max_occurrences: maxOccurrences },
    ...{ jitter_seconds: jitterSeconds, misfire_policy: misfirePolicy },
  });
}

/** Until when, as far as it can be said beforehand. */
// The deadline is counted from the creation, and not near any due instant: how long it takes to create them must not matter.
const anyEnd = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  {},
  { stop_condition_type: "db_check", stop_condition_value: "never set" },
  { stop_condition_type: "deadline", stop_condition_value: "P1DT17M" },
  { stop_condition_type: "deadline", stop_condition_value: iso(START + 3 * DAY) },
  { stop_condition_type: "max_attempts", stop_condition_value: "2" },
  {
    stop_condition_type: "any_of",
    stop_condition_settings: {
      conditions: [
        { type: "max_attempts", value: "3" },
        { type: "db_check", value: "never set" },
      ],
    },
  },
);

const OFFICE = {
  time_zone: "Europe/Berlin",
  hours: Object.fromEntries(
    ["monday", "tuesday", "wednesday", "thursday", "friday"].map((day) => [day, [{ from: "09:00", to: "17:00" }]]),
  ),
};

/** Where and when it may be. */
const anyPlace = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  {},
  { calendar: "office" },
  { calendar: "office", outside_working_time: "previous" },
  { calendar: "office", counts_in: "working_time" },
  { quiet_hours: [{ from: "22:00", to: "07:00" }] },
  { quiet_hours: [{ from: "01:00", to: "04:30" }], calendar: "office", outside_working_time: "send" },
);

/** Whom it is for. */
const anyPeople = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  { recipient: null, recipients: ["a", "b", "c"], completes_when: "any" },
  { recipient: null, recipients: ["a", { entity_type: "team", entity_id: "ops" }] },
  { policy: "counts", force: true },
  { policy: "clock", force: true },
  { policy: "deadline", deadline_at: iso(START + 1.5 * DAY), force: true },
  { policy: "ends", recipient: null, recipients: ["a", { entity_type: "team", entity_id: "ops" }] },
);

const POLICIES = {
  counts: [
    { after: { sends: 2 }, to: ["recipient", "manager"] },
    { after: { sends: 4 }, to: [{ address: "ceo" }] },
  ],
  clock: [
    { to: ["recipient"], interval_minutes: 200 },
    {
      after: { elapsed: "PT7H" },
      to: [{ contact: { entity_type: "team", entity_id: "lead" } }],
      interval_minutes: 100,
    },
    { after: { elapsed: "P1D" }, to: ["recipient", { contact: { entity_type: "team", entity_id: "out" } }] },
  ],
  deadline: [
    { to: ["recipient"], cadence: { shortest_minutes: 60, longest_minutes: 600, share: 0.5 } },
    { after: { deadline: "-PT5H" }, to: ["manager"], repeat: 3, interval_minutes: 90 },
    { to: [{ contact: { entity_type: "team", entity_id: "away" } }], interval_minutes: 300 },
  ],
  ends: [
    { to: ["recipient"], repeat: 2 },
    { after: { elapsed: "PT30H" }, to: ["manager"], repeat: 2, interval_minutes: 60 },
  ],
};

const CONTACTS = {
  ops: { email: "ops@example.org", manager: { entity_type: "team", entity_id: "lead" } },
  lead: { email: "lead@example.org" },
  out: { email: "out@example.org", preferences: { opt_out: ["*"] } },
  away: {
    email: "away@example.org",
    delegate: { entity_type: "team", entity_id: "ops" },
    delegate_until: iso(START + 9 * DAY),
  },
};

const anyWish = fc
  .tuple(anySchedule(START), anyBounds(START), anyZone, anyEnd, anyPlace, anyPeople)
  // What comes every few minutes would only make the same many times over.
  .filter(([schedule]) => !("intervalMinutes" in schedule) || schedule.intervalMinutes >= 60)
  .map(([schedule, bounds, zone, end, place, people]) => ({
    ...toWish(schedule, bounds, zone),
    ...{ ...end, ...place, ...people },
  }));

interface Made {
  id: number;
  seen: PreviewJson;
}

/** Makes reminders of those wishes that are granted, and sees to it that a preview says the same of each before and after. */
async function makeAll(api: TestApi, query: string): Promise<Made[]> {
  const made: Made[] = [];
  for (const asked of fc.sample(anyWish, { numRuns: 3 * REMINDERS, seed: SEED })) {
    if (made.length === REMINDERS) break;
    const before = await api.call("POST", `/reminders/preview${query}`, asked);
    const created = await api.call("POST", "/reminders/", asked);
    if (created.status !== 201) {
      expect(before.status).toBe(created.status);
      expect(before.body).toEqual(created.body);
      continue;
    }
    const { id } = created.body as { id: number };
    const seen = Preview.parse((await api.call("GET", `/reminders/${id}/preview${query}`)).body);
    // What counts from its creation was created a moment later than previewed.
    const whens = (preview: PreviewJson) => preview.occurrences.map(({ outcome, is_last: last }) => [outcome, last]);
    const foreseen = Preview.parse(before.body);
    expect([foreseen.stopped_by, seen.stopped_by], "the machine is fast enough to look so far").not.toContain("effort");
    // And one of them may have moved beyond what is looked at.
    expect(Math.abs(foreseen.occurrences.length - seen.occurrences.length)).toBeLessThanOrEqual(
      seen.end === null ? 1 : 0,
    );
    const both = Math.min(foreseen.occurrences.length, seen.occurrences.length);
    expect(whens(foreseen).slice(0, both)).toEqual(whens(seen).slice(0, both));
    made.push({ id, seen });
  }
  return made;
}

async function nowOf({ database }: World): Promise<number> {
  return (await database.query("select reminder_now() as now"))[0]?.now as number;
}

/** Waits until the workers have done all that there is to do at this instant. */
async function settled({ database }: World): Promise<void> {
  const open = `
    select from reminder_jobs where status = 'ACTIVE' and next_run_at <= reminder_now()
    union all
    select from deliveries where status in ('pending', 'sending', 'retrying') and next_attempt_at <= reminder_now() + interval '1 minute'
    union all
    select from reminder_jobs r where status = 'ACTIVE' and next_run_at is null
       and not exists (select from deliveries d where d.reminder_id = r.id and d.status in ('pending', 'retrying'))`;
  await until(async () => (await database.query(open)).length === 0, "all that is due is done");
}

/** Moves the clock to one due instant after another, so that nothing is late, until `end`. */
async function liveUntil(there: World, end: number): Promise<void> {
  const next = `
    select least((select min(next_run_at) from reminder_jobs where status = 'ACTIVE'),
                 (select min(next_attempt_at) from deliveries where status in ('pending', 'retrying'))) as at`;
  for (;;) {
    await settled(there);
    const at = (await there.database.query(next))[0]?.at as number | null;
    if (at === null || at > end) return;
    await there.advance({ seconds: Math.max(0.001, (at - (await nowOf(there))) / 1_000) });
  }
}

/** How many were put off, promised, and done by one of several people. */
async function answerSome(there: World, api: TestApi, made: readonly Made[]) {
  const answered = { snoozed: 0, promised: 0, theirs: 0 };
  for (const [n, { id }] of made.entries()) {
    const { status, recipients, counts_in: countsIn, policy } = await there.reminder(id);
    if (status !== "ACTIVE") continue;
    // Where a wait is counted from the very instant of firing, what is overdue goes on by when a worker is back, to the millisecond.
    const isByNow = countsIn === "working_time" || policy === "deadline";
    const days = n % 8 < 4 && !isByNow ? 1 : 2;
    const answer = async (path: string, body: object) => {
      expect((await api.call("POST", `/reminders/${id}/${path}`, body)).status).toBe(200);
    };
    if (n % 4 === 0) {
      await answer("snooze", { for: `${days}d` });
      answered.snoozed += 1;
    } else if (n % 4 === 1) {
      await answer("acknowledge", { until: iso((await nowOf(there)) + days * DAY) });
      answered.promised += 1;
    } else if (recipients !== null) {
      await answer("done", { person: "a" });
      answered.theirs += 1;
    }
  }
  return answered;
}

/** What the ledger and the timeline have of the occurrences after `from`. */
async function lived({ deliveries, events, reminder }: World, id: number, from: number) {
  const sent = (await deliveries(id)).filter(
    ({ created_at: at, finished_at: end }) => (at as number) >= from && end !== null,
  );
  const missed = (await events(id)).filter(({ type, at }) => type === "missed" && (at as number) >= from);
  const row = await reminder(id);
  return {
    sent: sent.map(({ occurrence_at: at, status, recipient }) => [iso(at as number), status, recipient]).sort(),
    missed: missed.map(({ details }) => (details as { occurrences: number }).occurrences),
    end: row.completion_reason,
  };
}

/** Quiet hours hold only what has fired. */
function firedAt({ at, moved }: PreviewJson["occurrences"][number]): string {
  return moved.find(({ by }) => by === "quiet_hours")?.from ?? at;
}

/** The same as a preview tells it, of what comes until `end`. */
function foretold({ occurrences, end }: PreviewJson, until: number) {
  const due = occurrences.filter(({ at }) => Date.parse(at) <= until);
  return {
    sent: due
      .filter(({ outcome }) => outcome === "sent" || outcome === "suppressed")
      .flatMap(({ occurrence_at: at, outcome, to }) =>
        to.length === 0
          ? [[at, outcome, "room 12"]]
          : to.map(({ recipient, opted_out: out }) => [at, out === null ? outcome : "suppressed", recipient]),
      )
      .sort(),
    missed: occurrences
      .filter((one) => Date.parse(firedAt(one)) <= until)
      .map(({ outcome, stands_for: missed }) => (outcome === "skipped" ? missed + 1 : missed))
      .filter((missed) => missed > 0),
    end: end !== null && Date.parse(end.at) <= until ? end.reason : null,
  };
}

test("what a preview says is what the engine does, occurrence by occurrence, and what comes after an outage too", {
  timeout: 600_000,
}, async () => {
  const there = await world();
  const api = await startApi(there.database, { channels: channelMap([there.sink]) });
  await there.advance({ seconds: (START - (await nowOf(there))) / 1_000 });
  expect((await api.call("PUT", "/calendars/office", OFFICE)).status).toBeLessThan(300);
  for (const [name, contact] of Object.entries(CONTACTS)) await api.putContact("team", name, contact);
  for (const [name, steps] of Object.entries(POLICIES)) {
    expect((await api.call("PUT", `/policies/${name}`, { steps })).status).toBe(201);
  }
  const made = await makeAll(api, `?limit=200&until=${iso(START + 2.2 * DAY)}`);
  expect(made.length).toBeGreaterThan(REMINDERS / 2);

  const worker = there.work({ catchUp: { perSecond: 0, doublesEverySeconds: 1 } });
  await liveUntil(there, START + 2 * DAY);
  const reached = await nowOf(there);
  let told = 0;
  for (const { id, seen } of made) {
    const expected = foretold(seen, reached);
    expect(await lived(there, id, 0), `reminder ${id}: ${seen.summary}`).toEqual(expected);
    told += expected.sent.length;
  }
  expect(told).toBeGreaterThan(made.length);
  // That what is drawn by the usual seed has something of each kind in it.
  const isUsual = SEED === 1;
  const movers = new Set(
    made.flatMap(({ seen }) => seen.occurrences.flatMap(({ moved }) => moved.map(({ by }) => by))),
  );
  if (isUsual)
    expect([...movers]).toEqual(
      expect.arrayContaining(["calendar", "clocks_skip", "jitter", "misfire", "quiet_hours"]),
    );

  // Nobody works for a day and a half; then what is overdue is made up for, or isn't, just as a preview says by then.
  // Meanwhile people put some of it off, to within that time or beyond, and some have done theirs.
  await worker.stop();
  const answered = await answerSome(there, api, made);
  await there.advance({ seconds: 1.5 * 86_400 });
  const resumedAt = await nowOf(there);
  const known = await Promise.all(
    made.map(async ({ id }) => ({
      id,
      seen: Preview.parse(
        (await api.call("GET", `/reminders/${id}/preview?limit=200&until=${iso(resumedAt + 1.2 * DAY)}`)).body,
      ),
    })),
  );
  there.work({ catchUp: { perSecond: 0, doublesEverySeconds: 1 } });
  await settled(there);
  await liveUntil(there, resumedAt + DAY);
  const ended = await nowOf(there);
  let madeUp = 0;
  for (const { id, seen } of known) {
    if (seen.stopped_by === "state") continue;
    const expected = foretold(seen, ended);
    expect(await lived(there, id, resumedAt), `reminder ${id} after the outage: ${seen.summary}`).toEqual(expected);
    madeUp += expected.missed.length;
  }
  if (isUsual) expect(madeUp).toBeGreaterThan(1);
  if (isUsual) expect(Math.min(...Object.values(answered))).toBeGreaterThan(2);
});
