import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { ConfigError, type Environment } from "./config/mistakes.ts";
import { SETTINGS } from "./config/settings.ts";
import { loadConfig } from "./config.ts";

const example = readFileSync(new URL("../.env.example", import.meta.url), "utf8");
const exampleSettings = parseEnv(example.replaceAll(/^# ([A-Z_]+=)/gm, "$1"));

function mistakes(environment: Environment): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

describe(".env.example and the settings are the same list", () => {
  test("every setting is in it, and nothing else", () => {
    expect(Object.keys(exampleSettings).sort()).toEqual(Object.keys(SETTINGS.shape).sort());
  });

  test("it changes nothing as it is, and every line of it is right when the # is taken away", () => {
    expect(loadConfig(parseEnv(example))).toEqual(loadConfig({}));
    expect(mistakes(exampleSettings)).toEqual([]);
  });

  test("the defaults it names are the defaults", () => {
    const defaults = SETTINGS.parse({});
    for (const [name, value] of Object.entries(defaults)) {
      expect(`${name}=${exampleSettings[name]}`).toBe(`${name}=${value}`);
    }
  });
});

describe("a wrong setting", () => {
  test("is told by a line that names it, what would be right, and what it is", () => {
    expect(mistakes({ PORT: "eighty", POLL_SECONDS: "60", LOG_LEVEL: "loud", DELIVERY_MAX_ATTEMPTS: "0" })).toEqual([
      'PORT must be a whole number from 0 to 65535, not "eighty"',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
      'POLL_SECONDS must be a number of seconds from 1 to 10, not "60"',
      'DELIVERY_MAX_ATTEMPTS must be a whole number from 1 to 100, not "0"',
    ]);
  });

  test("shows no password in a URL", () => {
    const given = { OIDC_JWKS_URL: "http://me:hunter2@127.0.0.1/jwks", CORS_ORIGINS: "https://me:hunter2@a.example" };
    const told = mistakes(given).join("\n");
    expect(told).toMatch(/OIDC_JWKS_URL must be .*not "http:\/\/me:/);
    expect(told).not.toContain("hunter2");
  });

  test.each([
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "0x50"],
    ["PORT", "1e3"],
    ["HOST", "http://localhost"],
    ["SMTP_HOST", "smtp.example.com:587"],
    ["SMTP_FROM_EMAIL", "noreply"],
    ["SMTP_FROM_NAME", "Reminders\r\nBcc: everyone@example.com"],
    ["DATABASE_URL", "localhost:5432"],
    ["DATABASE_URL", "mysql://localhost/reminders"],
    ["SMTP_TLS", "yes"],
    ["BATCH_SIZE", "0"],
  ])("%s=%j is refused", (name, value) => {
    expect(mistakes({ SMTP_FROM_EMAIL: "me@example.com", [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} must be `)),
    ]);
  });

  test("shows no secret that stands in another's line, nor the query of a URL", () => {
    const token = "123456:AAcanary-of-telegram-0123456789";
    const set = { TELEGRAM_TOKEN: token, SMTP_PORT: token };
    const told = mistakes({
      ...set,
      TELEGRAM_API_URL: `https://h.example/x?k=${token}`,
      WEBEX_API_URL: "https://h/?k=canary",
    });
    expect(told.join()).toContain('SMTP_PORT must be a whole number from 1 to 65535, not "[hidden]"');
    expect(told.join()).toContain('not "https://h/?[hidden]"');
    expect(told.join()).not.toContain("canary");
  });

  test.each(["DATABASE_URL", "SMTP_PASSWORD"])("never shows the secret in %s", (name) => {
    const lines = mistakes({ SMTP_USERNAME: "me", SMTP_PASSWORD: "x", [name]: "hunter2-is-\u0007-a-secret" });
    expect(lines).toHaveLength(1);
    expect(lines.join()).not.toContain("hunter2");
  });

  test("is also one that lacks another", () => {
    expect(mistakes({ SMTP_HOST: "mail.example.com", SMTP_USERNAME: "me" })).toEqual([
      expect.stringContaining("SMTP_FROM_EMAIL must be set"),
      expect.stringContaining("SMTP_PASSWORD must be set"),
    ]);
  });

  test("is told beside those that are wrong in themselves", () => {
    expect(mistakes({ SMTP_HOST: "mail.example.com", PORT: "http" })).toEqual([
      expect.stringContaining("PORT must be"),
      expect.stringContaining("SMTP_FROM_EMAIL must be set"),
    ]);
  });

  test.each([
    "postgresql://me:p@ss/w:rd@127.0.0.1:5432/db",
    "postgresql://me:p/ss@127.0.0.1/db",
    "postgresql://me:12/34@127.0.0.1/db",
    "postgresql://me:p@ss@127.0.0.1/db",
    "postgresql://me:12?34@127.0.0.1/db",
    "postgresql://me:12#34@127.0.0.1/db",
  ])("is a password that isn't percent-encoded, of which nothing is shown: %s", (url) => {
    expect(mistakes({ DATABASE_URL: url })).toEqual(["DATABASE_URL: percent-encode the password (@ is %40, / is %2F)"]);
  });
});

test("an empty value is one that is not set", () => {
  expect(loadConfig({ PORT: "", SMTP_HOST: " ", DATABASE_URL: "" })).toEqual(loadConfig({}));
});

test("a password keeps its spaces, other values lose those around them", () => {
  const config = loadConfig({
    PORT: " 8080 ",
    SMTP_HOST: "localhost ",
    SMTP_FROM_EMAIL: "noreply@example.com",
    SMTP_USERNAME: "me",
    SMTP_PASSWORD: " pass word ",
  });
  expect(config.http.port).toBe(8080);
  expect(config.email.server).toMatchObject({ host: "localhost", password: " pass word " });
});

test.each([
  "postgresql://me:secret@localhost:5432/reminders?sslmode=require",
  "postgres://localhost/reminders",
  "postgresql://me:secret@/reminders?host=/run/postgresql",
  "postgresql:///reminders?host=/run/postgresql",
  "postgresql://me:p%40ss%2Fw:rd@localhost:5432/reminders?application_name=a@b",
  "postgresql://localhost:5432?user=me@example.com",
])("%s is a database's URL", (url) => {
  expect(loadConfig({ DATABASE_URL: url }).database.url).toBe(url);
});

test("nobody can change the settings later", () => {
  const config = loadConfig({});
  expect(() => Object.assign(config.engine.retry, { maxAttempts: 99 })).toThrow(TypeError);
});
