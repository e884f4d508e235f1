import { expect, test } from "vitest";
import { SETTINGS } from "../src/config/settings.ts";
import { startApi } from "./support/api.ts";
import { freshDatabase } from "./support/database.ts";
import { until } from "./support/wait.ts";
import { world } from "./support/world.ts";

/** What may be counted of a reminder; a limit or a count names one of them. */
const COUNTED = /occurrence|delivery[ _]attempt|check[ _]error/i;

test("each setting that limits attempts, occurrences or checks says which of them it limits", () => {
  const limits = Object.keys(SETTINGS.shape).filter((name) => /ATTEMPT|RETRIES|TRIES|MAX_|_AFTER_/.test(name));

  expect(limits).toEqual(
    expect.arrayContaining(["DELIVERY_MAX_ATTEMPTS", "MAX_OCCURRENCES_PER_REMINDER", "ATTENTION_AFTER_CHECK_ERRORS"]),
  );
  // Time is none of the three.
  expect(limits.filter((name) => !/^DELIVERY_|_OCCURRENCES_|_CHECK_ERRORS$|_AGE_/.test(name))).toEqual([]);
});

test("each field of the API that counts says what", async () => {
  const api = await startApi(await freshDatabase());
  const description = (await api.call("GET", "/openapi.json")).body as {
    components: { schemas: Record<string, { properties?: Record<string, { description?: string }> }> };
  };

  const counts = Object.entries(description.components.schemas).flatMap(([schema, { properties = {} }]) =>
    Object.entries(properties)
      .filter(([name]) => /attempts$|_count$|^max_(?!.*_minutes$)/.test(name))
      .map(([name, field]) => ({ name: `${schema}.${name}`, says: `${name}: ${field.description ?? ""}` })),
  );

  expect(counts.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["Delivery.attempts", "Reminder.occurrence_count"]),
  );
  expect(counts.filter(({ says }) => !COUNTED.test(says))).toEqual([]);
});

test("occurrences and delivery attempts are counted apart, and what was never tried is neither", async () => {
  const { insert, work, sink, deliveries, deliveryBecomes, events, advance, reminder, setFlag } = await world();
  sink.behave = () => Promise.reject(new Error("mailbox busy"));
  const maxAttempts = 3;
  const id = await insert({ run_at: new Date(), stop_condition_type: "db_check", stop_condition_value: "paid" });
  work({ retry: { maxAttempts, baseSeconds: 15, factor: 1, capSeconds: 3_600 } });

  for (let occurrence = 1; occurrence <= 2; occurrence += 1) {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const isLast = attempt === maxAttempts;
      await until(async () => {
        const newest = (await deliveries(id)).at(-1);
        return newest?.attempts === attempt && newest.status === (isLast ? "failed" : "retrying");
      }, `attempt ${attempt} of occurrence ${occurrence} has failed`);
      if (!isLast) await advance({ seconds: 20 });
    }
    expect(await reminder(id)).toMatchObject({ occurrence_count: occurrence, status: "ACTIVE" });
    await advance({ minutes: 60 });
  }
  // The third occurrence: held back by its flag after one attempt.
  expect(await deliveryBecomes(id, "retrying")).toMatchObject({ attempts: 1 });
  await setFlag("paid", true);
  await advance({ seconds: 20 });
  expect(await deliveryBecomes(id, "suppressed")).toMatchObject({ attempts: 1 });

  expect((await deliveries(id)).map(({ attempts }) => attempts)).toEqual([3, 3, 1]);
  expect(await reminder(id)).toMatchObject({ occurrence_count: 3, completion_reason: "stop_condition" });
  expect((await deliveries(id))[0]?.reason).toBe("gave up after 3 delivery attempts: mailbox busy");
  const failures = (await events(id)).filter(({ type }) => type === "attempt_failed" || type === "failed");
  expect(failures.map(({ details }) => (details as { delivery_attempt: number }).delivery_attempt)).toEqual([
    1, 2, 3, 1, 2, 3, 1,
  ]);
});

test("check errors are counted apart from both, and count no more once there is an answer", async () => {
  const { insert, work, sink, deliveries, deliveryBecomes, advance, reminder, database } = await world();
  work({ hold: { baseSeconds: 0.05, capSeconds: 0.2, attentionAfter: 3 } });
  // Of a kind that nobody has: whether it is done is unknown until somebody corrects it.
  const id = await insert({ stop_condition_type: "oracle", stop_condition_value: "?" });
  await advance({ minutes: 61 });
  await until(async () => ((await reminder(id)).unknown_count as number) >= 4, "it was asked again and again");
  expect(await reminder(id)).toMatchObject({ occurrence_count: 0 });
  expect(await deliveries(id)).toEqual([]);

  await database.query(
    "update reminder_jobs set stop_condition_type = 'db_check', stop_condition_value = 'paid' where id = $1",
    [id],
  );
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 1 });
  expect(await reminder(id)).toMatchObject({ occurrence_count: 1, unknown_count: null });
  expect(sink.received).toHaveLength(1);
});
