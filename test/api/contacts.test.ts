import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const PATH = "/contacts/interviewer/INT_100";
const CONTACT = {
  name: "Interviewer 100",
  email: "interviewer@example.com",
  time_zone: "Europe/Berlin",
  locale: "pt-BR",
  phone: "+4930123456",
  addresses: { email: "desk@example.com" },
  preferences: {
    ...{ channels: ["email"], opt_out: ["newsletter"], max_per_day: 5, over_budget: "digest" },
    digest: { at: ["08:00", "16:30"], except: ["sla_breach"] },
  },
  manager: { entity_type: "team", entity_id: "hiring" },
  delegate: { entity_type: "interviewer", entity_id: "INT_101" },
  delegate_until: "2030-01-01T00:00:00.000Z",
};

test("a contact is put, read, replaced and forgotten, each as often as you like", async () => {
  const api = await startApi(await freshDatabase());
  await api.refused(404, "GET", PATH);

  const created = await api.call("PUT", PATH, CONTACT);
  expect(created).toMatchObject({
    status: 201,
    body: { entity_type: "interviewer", entity_id: "INT_100", ...CONTACT },
  });
  expect((await api.call("GET", PATH)).body).toEqual(created.body);

  expect(await api.call("PUT", PATH, { email: "other@Example.COM" })).toMatchObject({
    status: 200,
    body: { name: null, email: "other@example.com", time_zone: null, locale: null },
  });

  expect(await api.call("DELETE", PATH)).toMatchObject({ status: 204 });
  expect(await api.call("DELETE", PATH)).toMatchObject({ status: 204 });
  await api.refused(404, "GET", PATH);
});

test("an entity of any name has its contact", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.putContact("a/b", "100% ü", { name: "x" })).toMatchObject({
    entity_type: "a/b",
    entity_id: "100% ü",
  });
});

test("a language is kept as its tag is properly written", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.putContact("a", "b", { locale: "pt-br" })).toMatchObject({ locale: "pt-BR" });
});

test.each([
  ["email", { email: "one@example.com two@example.com" }, /one plain e-mail address/],
  ["email", { email: 1 }, /must be a string/],
  ["time_zone", { time_zone: "Berlin" }, /Europe\/Berlin/],
  ["locale", { locale: "german!" }, /BCP 47/],
  ["name", { name: "a\r\nb" }, /single line/],
  ["telephone", { telephone: "+49 (0) 301" }, /known are: name, email, time_zone, locale/],
  ["phone", { phone: "+49 (0) 301" }, /\+4930123456/],
  ["addresses.pigeon", { addresses: { pigeon: "loft 3" } }, /one of the channels of this installation/],
  ["addresses.email", { addresses: { email: "a, b@example.com" } }, /one plain e-mail address/],
  ["preferences.digest", { preferences: { digest: {} } }, /either `window_minutes` or `at`/],
  ["preferences.digest", { preferences: { digest: { window_minutes: 60, at: ["08:00"] } } }, /either/],
  ["preferences.digest.window_minutes", { preferences: { digest: { window_minutes: 1 } } }, /5/],
  ["preferences.digest.at.0", { preferences: { digest: { at: ["8 o'clock"] } } }, /like 08:30/],
  ["preferences.max_per_day", { preferences: { max_per_day: 0 } }, /1/],
  ["preferences.over_budget", { preferences: { over_budget: "drop" } }, /hold/],
  ["delegate_until", { delegate: { entity_type: "person", entity_id: "1" } }, /until an instant/],
  ["manager.entity_id", { manager: { entity_type: "person" } }, /required|must be/],
  [
    "delegate",
    { delegate: { entity_type: "interviewer", entity_id: "INT_100" }, delegate_until: "2030-01-01T00:00:00Z" },
    /another contact/,
  ],
])("a wrong %s is refused (%#)", async (field, contact, message) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "PUT", PATH, contact);
  expect(errors).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
});

test("a phone number may be written in groups, and is kept without gaps", async () => {
  const api = await startApi(await freshDatabase());
  const put = await api.call("PUT", PATH, { phone: "+49 151 123-45678" });
  expect(put).toMatchObject({ status: 201, body: { phone: "+4915112345678" } });
  await api.refused(422, "PUT", PATH, { phone: "+49 (0) 151 12345678" });
});

test("a preference for a channel that isn't here is refused, with the names of those that are", async () => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "PUT", PATH, { preferences: { channels: ["email", "pigeon"] } });
  expect(errors).toMatchObject([
    { pointer: "/preferences/channels/1", message: expect.stringMatching(/must be one of the channels .*email/) },
  ]);
});
