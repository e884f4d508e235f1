import { beforeAll, expect, test } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { asOwner } from "../support/keys.ts";
import { buildProgram, runProgram } from "../support/program.ts";

beforeAll(buildProgram);

test("with PUBLIC_URL, a printed e-mail has its links; the program serves them, and rotates the key they are signed with", async () => {
  const database = await freshDatabase();
  const env = { DATABASE_URL: database.url, PUBLIC_URL: "https://example.com/reminders/", LOG_LEVEL: "info" };
  const program = runProgram(["start"], env);
  await program.says(/^API: /m);
  const api = program.told("API");
  const wish = {
    entity_type: "invoice",
    entity_id: "42",
    event_type: "payment",
    channel: "email",
    schedule_type: "one_time",
  };
  await fetch(`${api}/reminders/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wish),
  });
  await program.says(/Done: https:\/\/example\.com\/reminders\/a\/[\w-]+/);
  const token = /Done: https:\/\/example\.com\/reminders\/a\/([\w-]+)/.exec(program.output())?.[1] ?? "";

  expect((await fetch(`${api}/a/${token}`)).status).toBe(200);
  const rotated = runProgram(["answers", "rotate-key"], env);
  expect(await rotated.ended).toBe(0);
  expect(rotated.stdout()).toContain("signed with key 1");
  expect((await fetch(`${api}/a/${token}`)).status).toBe(200);
  // The log has no link that somebody could use.
  expect(program.stderr()).not.toContain(token);

  const lines = await asOwner(database).query("select operation, target from audit_log");
  expect(lines).toContainEqual({ operation: "answers rotate-key", target: "key 1" });
});
