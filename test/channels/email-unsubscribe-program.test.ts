import { beforeAll, expect, test } from "vitest";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, startProgram } from "../support/program.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

test("one click unsubscribes where the step of a policy has chosen that, and nowhere else", async () => {
  const [database, smtp] = [await freshDatabase(), await startSmtp()];
  const program = await startProgram({
    ...{ DATABASE_URL: database.url, PUBLIC_URL: "https://reminders.acme.example" },
    ...{ SMTP_HOST: "127.0.0.1", SMTP_PORT: String(smtp.port), SMTP_FROM_EMAIL: "noreply@acme.example" },
  });
  const call = async (method: string, path: string, body: object) => {
    const response = await fetch(`${program.told("API")}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status, await response.clone().text()).toBeLessThan(300);
    return (await response.json()) as Record<string, unknown>;
  };
  const steps = [
    { to: ["recipient"], one_click_unsubscribe: true },
    { after: { sends: 1 }, to: [{ address: "ops@acme.example" }], repeat: 5 },
  ];
  expect(await call("PUT", "/policies/news", { steps })).toMatchObject({
    steps: [{ one_click_unsubscribe: true }, { one_click_unsubscribe: false }],
  });
  const remind = (recipient: string, more: object = {}) =>
    call("POST", "/reminders", {
      ...{ entity_type: "reader", entity_id: recipient, event_type: "news", channel: "email", recipient },
      ...{ schedule_type: "recurring", interval_minutes: 60, run_at: new Date().toISOString(), ...more },
    });
  const arrived = (to: string) => smtp.received.filter(({ envelope }) => envelope.to[0] === to);
  const one = async (to: string) => {
    await until(() => arrived(to).length === 1, `there is a message to ${to}`);
    return arrived(to)[0]?.raw ?? "";
  };

  await remind("ann@example.com", { policy: "news", max_occurrences: 5 });
  await remind("bob@example.com");

  const url = /^List-Unsubscribe: <https:\/\/reminders\.acme\.example(\/a\/[\w.~-]+)>\r$/m.exec(
    await one("ann@example.com"),
  )?.[1];
  expect(await one("ann@example.com")).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  expect(await one("bob@example.com")).not.toMatch(/unsubscribe/i);

  // As a mail program does it, at the address that the header gives.
  const clicked = await fetch(`${program.told("API")}${url}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
  });
  expect(clicked.status).toBe(200);
  await advance(database, { minutes: 60 });
  expect(await one("ops@acme.example")).not.toMatch(/unsubscribe/i);
  await remind("ann@example.com", { policy: "news", max_occurrences: 5, entity_id: "another" });
  await until(
    async () =>
      (
        await database.query(
          "select from deliveries d join reminder_jobs r on r.id = d.reminder_id where entity_id = 'another' and d.status = 'suppressed'",
        )
      ).length === 1,
    "the next message to who has unsubscribed is held back",
  );
  expect(arrived("ann@example.com")).toHaveLength(1);
});
