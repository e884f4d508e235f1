import { expect, test } from "vitest";
import { certainlyRefused } from "../../src/outgoing/certainly-refused.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const HTTP = { stop_condition_type: "http_check", stop_condition_value: "https://example.com/{entity_id}" };
const SQL = { stop_condition_type: "sql_check", stop_condition_value: "paid" };

/** An API of an installation whose only query is `paid`, for `default`. */
async function api(
  settings: Partial<typeof DEFAULT_OUTGOING> = {},
  hasQuery: boolean | null = false,
): Promise<TestApi> {
  return startApi(await freshDatabase(), {
    installation: {
      refusesUrl: certainlyRefused({ ...DEFAULT_OUTGOING, ...settings }),
      hasQuery: (name, tenant) => (name === "paid" && tenant === "default" ? true : hasQuery),
    },
  });
}

const URLS: [string, RegExp][] = [
  ["http://10.0.0.1/", /private/],
  ["http://2130706433/", /loopback/],
  ["http://0x7f.1/{entity_id}", /loopback/],
  ["http://①②⑦.1/", /loopback/],
  ["http://[::ffff:10.0.0.1]/", /host is/],
  ["http://169.254.169.254/latest/meta-data/", /link-local/],
  ["http://localhost/", /loopback/],
  ["http://a.localhost./", /loopback/],
  ["https://example.com:8443/", /port 8443/],
];

test.each(URLS)(
  "a condition that would ask %s is refused when it is written, however deep it stands",
  async (url, why) => {
    const { refused, create } = await api();
    const flat = await refused(422, "POST", "/reminders/", wish({ ...HTTP, stop_condition_value: url }));
    expect(flat.errors?.[0]).toMatchObject({ field: "stop_condition_value", message: expect.stringMatching(why) });

    const within = { condition: { type: "any_of", settings: { conditions: [{ type: "http_check", value: url }] } } };
    const nested = { stop_condition_type: "not", stop_condition_settings: within };
    const { errors } = await refused(422, "POST", "/reminders/preview", wish(nested));
    expect(errors?.[0]?.pointer).toBe("/stop_condition_settings/condition/settings/conditions/0/value");

    const { id } = await create(wish(HTTP));
    await refused(422, "PATCH", `/reminders/${id}`, { stop_condition_value: url });
  },
);

test("what may be asked, or may turn out to be, is taken: allowed networks, and names whose addresses nobody has looked up", async () => {
  const { create } = await api({ allow: ["127.0.0.0/8", "::1/128"], ports: [{ from: 1, to: 65_535 }] });
  for (const url of [
    "http://127.0.0.1:9000/",
    "http://localhost:9000/",
    "https://inside.example/",
    "http://8.8.8.8/",
  ]) {
    await create(wish({ ...HTTP, stop_condition_value: url }));
  }
});

test("schemes and denied networks count", async () => {
  const { refused } = await api({ schemes: ["https"], deny: ["8.8.8.0/24"] });
  const messages: string[] = [];
  for (const url of ["http://example.com/", "https://8.8.8.8/"]) {
    const { errors } = await refused(422, "POST", "/reminders/", wish({ ...HTTP, stop_condition_value: url }));
    messages.push(errors?.[0]?.message ?? "");
  }
  expect(messages).toEqual([
    expect.stringContaining("its scheme http is not among OUTGOING_SCHEMES"),
    expect.stringContaining("denied by OUTGOING_DENY"),
  ]);
});

test("a query that isn't there is refused, one by one in bulk; where only workers know them, any name is taken", async () => {
  const { refused, create, call } = await api();
  await create(wish(SQL));
  const { errors } = await refused(422, "POST", "/reminders/", wish({ ...SQL, stop_condition_value: "piad" }));
  expect(errors?.[0]).toMatchObject({ field: "stop_condition_value", message: expect.stringContaining("query") });
  const { body } = await call("POST", "/reminders/bulk", {
    reminders: [wish(SQL), wish({ ...SQL, stop_condition_value: "piad" })],
  });
  expect((body as { results: { status: number }[] }).results.map(({ status }) => status)).toEqual([201, 422]);

  const apart = await api({}, null);
  await apart.create(wish({ ...SQL, stop_condition_value: "piad" }));
});

test("a reminder whose URL is no longer allowed can still be changed in everything else", async () => {
  const database = await freshDatabase();
  const before = await startApi(database);
  const { id } = await before.create(wish({ ...HTTP, stop_condition_value: "http://10.0.0.1/" }));
  const { patch } = await startApi(database, {
    installation: { refusesUrl: certainlyRefused(DEFAULT_OUTGOING), hasQuery: () => false },
  });
  expect(await patch(id, { subject: "other" })).toMatchObject({ subject: "other" });
});
