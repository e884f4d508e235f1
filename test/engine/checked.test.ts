import { expect, test } from "vitest";
import { Retryable } from "../../src/channels/channel.ts";
import type { Outside } from "../../src/engine/asking/outside.ts";
import { loopbackHttp, startAnswering } from "../outgoing/receiver.ts";
import { type World, world } from "../support/world.ts";

// What a stop condition answered right before a message left, or didn't, is kept with the attempt.

const OPEN = '{"status":"open"}';
const settings = (of: object) => JSON.stringify(of);

const outside = (): Outside => ({
  http: loopbackHttp(),
  queries: { ask: async () => ({ value: false }) } as unknown as Outside["queries"],
  secret: async () => "",
});

async function isSent(made: World, id: number): Promise<Record<string, unknown>> {
  await made.advance({ minutes: 61 });
  return await made.deliveryBecomes(id, "sent");
}

test.each([
  ["db_check", { stop_condition_value: "paid" }, 'flag "paid" is not set'],
  ["deadline", { stop_condition_value: "2099-01-01T00:00:00Z" }, "its deadline is 2099-01-01T00:00:00.000Z"],
  ["max_attempts", { stop_condition_value: "3" }, "0 of 3 messages were sent"],
  ["expression", { stop_condition_value: 'flags["paid"]' }, 'the expression flags["paid"] is false'],
  [
    "any_of",
    { stop_condition_settings: settings({ conditions: [{ type: "db_check", value: "paid" }] }) },
    'flag "paid" is not set',
  ],
  ["http_check", { stop_condition_settings: settings({ json_path: "$.status", equals: "paid" }) }, 'is "open"'],
  ["sql_check", { stop_condition_value: "paid" }, "the query paid says that it is not done"],
])("of %s: what it said, where that was found and when", async (type, columns, found) => {
  const made = await world();
  const service = await startAnswering(`HTTP/1.1 200 OK\r\n\r\n${OPEN}`);
  const value = type === "http_check" ? { stop_condition_value: service.url } : {};
  const id = await made.insert({ stop_condition_type: type, ...columns, ...value });
  made.work({}, outside());

  const { checked, created_at: createdAt, finished_at: finishedAt } = await isSent(made, id);

  expect(checked).toMatchObject({ type, state: "not_met", because: expect.stringContaining(found) });
  const at = Date.parse((checked as { at: string }).at);
  expect(at).toBeGreaterThanOrEqual((createdAt as number) - 60_000);
  expect(at).toBeLessThanOrEqual(finishedAt as number);
});

test("each attempt has its own, and what its condition held back says by what", async () => {
  const made = await world();
  made.sink.behave = () => {
    throw new Retryable("mailbox busy");
  };
  made.work({ retry: { maxAttempts: 5, baseSeconds: 60, factor: 1, capSeconds: 60 } });
  const id = await made.insert({ stop_condition_type: "db_check", stop_condition_value: "paid" });
  await made.advance({ minutes: 61 });
  const first = await made.deliveryBecomes(id, "retrying");
  const attempt = async (type: string) => (await made.events(id)).find((event) => event.type === type);
  expect(first.checked).toMatchObject({ type: "db_check", state: "not_met" });
  expect((await attempt("attempt_failed"))?.details).toMatchObject({ delivery_attempt: 1, checked: first.checked });

  await made.setFlag("paid", true);
  await made.advance({ minutes: 2 });
  const held = await made.deliveryBecomes(id, "suppressed");
  expect(held.checked).toMatchObject({ state: "met", because: 'flag "paid" is set' });
  expect((await attempt("suppressed"))?.details).toMatchObject({ checked: held.checked });
  expect(made.sink.received).toHaveLength(1);
});

test("a flag that is set between the claim and the call to the provider holds the message back, which says so", async () => {
  const made = await world();
  const id = await made.insert({ stop_condition_type: "db_check", stop_condition_value: "paid" });
  // As long as a connection takes: what was read at the claim is old by then.
  made.sink.connect = async () => {
    await made.setFlag("paid", true);
    await new Promise((resolve) => setTimeout(resolve, 250));
  };
  made.work();
  await made.advance({ minutes: 61 });
  const held = await made.deliveryBecomes(id, "suppressed");
  expect(held.checked).toMatchObject({ type: "db_check", state: "met", because: 'flag "paid" is set' });
  expect(made.sink.received).toEqual([]);
});

test("without a condition nothing is kept", async () => {
  const made = await world();
  made.work();
  expect((await isSent(made, await made.insert())).checked).toBeNull();
});
