import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { beforeAll, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { freshDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { buildProgram, newFolder, runProgram } from "../support/program.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const PASSWORD = "hunter2-never-shown";

function file(content: string): string {
  const path = join(newFolder(), "secret");
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

async function output(args: string[], env: Record<string, string>, code = 0): Promise<string> {
  const program = runProgram(args, env);
  expect({ code: await program.ended, said: program.output() }).toMatchObject({ code });
  expect(program.output()).not.toContain(PASSWORD);
  return program.output();
}

test("all of an account is set by one command, and a worker sends by it: by the second server, signed, with a return path", async () => {
  const [database, smtp, deadPort] = [
    await freshDatabase(),
    await startSmtp({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, callback) =>
        password === PASSWORD ? callback(null, { user: username }) : callback(new Error("no")),
    }),
    await freePort(),
  ];
  const env = {
    ...{ DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), BOUNCE_SECRET: "b".repeat(40), LOG_LEVEL: "error" },
  };
  const pem = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({ type: "pkcs8", format: "pem" });
  const said = await output(
    [
      ...["channels", "set", "email", "--smtp-host", "127.0.0.1", "--smtp-port", String(deadPort), "--smtp-tls", "off"],
      ...["--fallback-file", file(`smtp://acme:${PASSWORD}@127.0.0.1:${smtp.port}?tls=off\n`)],
      ...["--dkim-selector", "s1", "--dkim-key-file", file(pem.toString()), "--from", "noreply@acme.example"],
      ...[
        "--bounce-address",
        "bounces@mail.acme.example",
        "--header",
        "X-Team: billing",
        "--header",
        "Reply-To: help@acme.example",
      ],
    ],
    env,
  );
  const [, record = ""] = /^s1\._domainkey\.acme\.example TXT "(v=DKIM1; k=rsa; p=[^"]+)"$/m.exec(said) ?? [];
  const shown = await output(["channels", "show", "email"], env);
  expect(shown).toMatch(/^dkim_private_key: +set$/m);
  expect(shown).toMatch(/^smtp_fallback: +127\.0\.0\.1:\d+$/m);
  expect(shown).toContain('{"X-Team":"billing","Reply-To":"help@acme.example"}');
  expect(JSON.stringify(await database.query("select * from channel_settings"))).not.toContain("PRIVATE");

  runProgram(["worker"], env);
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, next_run_at)
     values ('invoice', 'INV_1', 'payment', 'email', 'ann@example.com', 'one_time', now())`,
  );

  const [received] = await until(() => (smtp.received.length > 0 ? smtp.received : null), "the e-mail is there");
  expect(received?.user).toBe("acme");
  expect(received?.envelope.from).toMatch(/^bounces\+[0-9a-z-]+@mail\.acme\.example$/);
  expect(received?.mail.headers.get("x-team")).toBe("billing");
  const { results } = await dkimVerify(Buffer.from(received?.raw ?? ""), { resolver: async () => [[record]] });
  expect(results.map(({ status }) => status.result)).toEqual(["pass"]);
});

test.each([
  [["--fallback-file", "URLS"], /--fallback-file must hold 1 to 5 URLs/],
  [["--fallback-file", "/no/such"], /--fallback-file can't be read/],
  [["--dkim-selector", "s1"], /--dkim-key-file and --dkim-selector belong together/],
  [["--dkim-selector", "s1", "--dkim-key-file", "URLS"], /needs an RSA private key/],
  [["--header", "Bcc: evil@example.net"], /--header must be headers like X-Team/],
  [["--header", "X-Team"], /--header must be like "X-Team: billing"/],
  [["--bounce-address", "a+b@acme.example"], /--bounce-address must have 1 to 20 characters/],
  [["--new-thread-days", "soon"], /--new-thread-days must be a whole number/],
])("what isn't right is refused, and nothing of it shown: %j", async (more, sentence) => {
  const path = file(`http://acme:${PASSWORD}@example.com`);
  const args = ["channels", "set", "email", "--smtp-host", "127.0.0.1", "--from", "noreply@acme.example"];
  const given = more.map((word) => (word === "URLS" ? path : word));
  expect(await output([...args, ...given], { DATABASE_URL: "postgresql://127.0.0.1:1/none" }, 1)).toMatch(sentence);
});
