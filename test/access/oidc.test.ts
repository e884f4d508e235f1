import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { newKey } from "../../src/api/access/key-text.ts";
import { createOidc } from "../../src/api/access/oidc.ts";
import type { OidcSettings } from "../../src/api/access/settings.ts";
import { client, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { asOwner } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

async function apiOf(issuer: Issuer, ...tenants: string[]) {
  const database = await freshDatabase();
  await createTenants(database, ...tenants);
  return { database, api: await startApi(database, { access: issuer.settings }) };
}

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");

test("a token of the issuer opens what its scopes say, and no door is open without one", async () => {
  const issuer = await startIssuer();
  const { api } = await apiOf(issuer);
  await api.refused(401, "GET", "/flags");
  const alice = client(api.url, await issuer.token());
  await alice.setFlag("paid", true);
  expect((await alice.refused(403, "GET", "/reminders")).detail).toContain("reminders:read");
});

describe("a hostile token opens nothing", () => {
  const claims = (issuer: Issuer) => ({
    iss: issuer.settings.oidc?.issuer,
    aud: "reminder-engine",
    sub: "mallory",
    scope: "flags:read",
    exp: Math.floor(Date.now() / 1_000) + 300,
  });
  const hour = () => Math.floor(Date.now() / 1_000) + 3_600;
  const past = () => Math.floor(Date.now() / 1_000) - 120;
  const signedBy = (secret: string, issuer: Issuer, alg: string) => {
    const body = `${encode({ alg, kid: issuer.jwk().kid })}.${encode(claims(issuer))}`;
    return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
  };
  const selfMade = (issuer: Issuer, header: (jwk: object) => object) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const body = `${encode({ alg: "RS256", ...header(publicKey.export({ format: "jwk" })) })}.${encode(claims(issuer))}`;
    return `${body}.${sign("sha256", Buffer.from(body), privateKey).toString("base64url")}`;
  };

  test.each<[string, (issuer: Issuer) => Promise<string> | string, RegExp]>([
    ["unsigned", (issuer) => `${encode({ alg: "none" })}.${encode(claims(issuer))}.`, /signed|read/],
    ["unsigned, in other letters", (issuer) => `${encode({ alg: "nOnE" })}.${encode(claims(issuer))}.`, /signed|read/],
    [
      "HS256 with the public key as the secret",
      (issuer) => signedBy(JSON.stringify(issuer.jwk()), issuer, "HS256"),
      /signed/,
    ],
    ["HS256 with the modulus as the secret", (issuer) => signedBy(issuer.jwk().n ?? "", issuer, "HS256"), /signed/],
    ["of another issuer", (issuer) => issuer.token({ iss: "https://evil.example" }), /iss/],
    ["for another audience", (issuer) => issuer.token({ aud: "somebody-else" }), /aud/],
    ["that has expired", (issuer) => issuer.token({ exp: past() }), /expired/],
    ["without an end", (issuer) => issuer.token({ exp: null }), /exp/],
    ["that isn't valid yet", (issuer) => issuer.token({ nbf: hour() }), /nbf/],
    ["whose key is a path", (issuer) => issuer.token({}, { kid: "../../../../dev/null" }), /publish/],
    ["whose key is SQL", (issuer) => issuer.token({}, { kid: "' or 1=1 --" }), /publish/],
    ["that brings its own key", (issuer) => selfMade(issuer, (jwk) => ({ jwk, kid: issuer.jwk().kid })), /signature/],
    [
      "that says where its key is",
      (issuer) => selfMade(issuer, () => ({ jku: "http://127.0.0.1:1/", kid: issuer.jwk().kid })),
      /signature/,
    ],
    [
      "that demands what isn't known",
      (issuer) => selfMade(issuer, () => ({ crit: ["b64"], b64: false, kid: issuer.jwk().kid })),
      /read|signed|signature/,
    ],
    ["cut off", async (issuer) => (await issuer.token()).slice(0, -3), /signature|read/],
    [
      "with claims put in later",
      async (issuer) => {
        const [head, , end] = (await issuer.token()).split(".");
        return `${head}.${encode({ ...claims(issuer), scope: "audit:read" })}.${end}`;
      },
      /signature/,
    ],
    ["of three dots", () => "...", /read/],
    ["of 12 kB", () => `${"a".repeat(6_000)}.${"b".repeat(6_000)}.c`, /read/],
  ])("%s", async (_what, make, because) => {
    const issuer = await startIssuer();
    const { api } = await apiOf(issuer);
    const { detail } = await client(api.url, await make(issuer)).refused(401, "GET", "/flags");
    expect(detail).toMatch(because);
  });
});

describe("the tenant", () => {
  test("is whom the claim names, and nobody else's rows are there", async () => {
    const issuer = await startIssuer({ tenantClaim: "https://reminders.example/tenant" });
    const { api } = await apiOf(issuer, "acme", "globex");
    const of = async (tenant: string) =>
      client(api.url, await issuer.token({ "https://reminders.example/tenant": tenant }));
    await (await of("acme")).setFlag("paid", true);
    await (await of("globex")).refused(404, "GET", "/flags/paid");
  });

  test.each([
    ["isn't there", { org: { tenant: "initech" } }, /no tenant initech/],
    ["isn't named", {}, /doesn't say/],
    ["is the word for all", { org: { tenant: "*" } }, /doesn't say/],
    ["is a list", { org: { tenant: ["acme"] } }, /doesn't say/],
    ["is SQL", { org: { tenant: "acme'; set role postgres; --" } }, /doesn't say/],
  ])("that %s is nobody's: 403", async (_what, claims, because) => {
    const issuer = await startIssuer({ tenantClaim: "org.tenant" });
    const { api } = await apiOf(issuer, "acme");
    expect((await client(api.url, await issuer.token(claims)).refused(403, "GET", "/flags")).detail).toMatch(because);
  });
});

test("scopes may be a list, and those that are none of ours give nothing", async () => {
  const issuer = await startIssuer({ scopeClaim: "roles" });
  const { api } = await apiOf(issuer);
  const one = client(api.url, await issuer.token({ roles: ["flags:read", "admin", 7, null] }));
  expect((await one.call("GET", "/flags")).status).toBe(200);
  await one.refused(403, "PUT", "/flags/a", { value: true });
  await client(api.url, await issuer.token({ roles: { flags: "read" } })).refused(403, "GET", "/flags");
});

describe("the issuer's keys", () => {
  const now = async () => Date.now();
  const oidcOf = (issuer: Issuer) => createOidc(issuer.settings.oidc as OidcSettings, now, { lookAgainMs: 0 });

  test("are asked for once, and again when a token names one that is new", async () => {
    const issuer = await startIssuer();
    const verify = oidcOf(issuer);
    const old = await issuer.token();
    for (let n = 0; n < 20; n += 1) await verify(old);
    expect(issuer.asked()).toBe(1);
    await issuer.rotate();
    expect(await verify(await issuer.token({ sub: "bob" }))).toMatchObject({ subject: "bob" });
    for (const sub of ["", " "]) {
      await expect(verify(await issuer.token({ sub })), JSON.stringify(sub)).rejects.toMatchObject({ status: 401 });
    }
    expect(issuer.asked()).toBe(2);
    await expect(verify(old)).rejects.toMatchObject({ status: 401 });
  });

  test("aren't asked for again by each token that makes up a key", async () => {
    const issuer = await startIssuer();
    const verify = createOidc(issuer.settings.oidc as OidcSettings, now);
    await verify(await issuer.token());
    for (let n = 0; n < 20; n += 1) {
      await expect(verify(await issuer.token({}, { kid: `made-up-${n}` }))).rejects.toMatchObject({ status: 401 });
    }
    expect(issuer.asked()).toBe(1);
  });

  test.each(["down", "huge", "elsewhere"] as const)(
    "that can't be had (%s) make it 503, not 500 and not open",
    async (how) => {
      const issuer = await startIssuer();
      const { api } = await apiOf(issuer);
      issuer.misbehave(how);
      const { headers, status } = await client(api.url, await issuer.token()).call("GET", "/flags");
      expect(status).toBe(503);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      issuer.misbehave(null);
    },
  );
});

test("expiry goes by the database's clock, with some leeway", async () => {
  const issuer = await startIssuer();
  const { database, api } = await apiOf(issuer);
  await asOwner(database).query("update test_clock set seconds_ahead = 3600");
  expect((await client(api.url, await issuer.token()).refused(401, "GET", "/flags")).detail).toContain("expired");
  const inTime = Math.floor(Date.now() / 1_000) + 3_600 - 10;
  expect((await client(api.url, await issuer.token({ exp: inTime })).call("GET", "/flags")).status).toBe(200);
});

test("a good token is let in from an address that has shown too many bad keys and tokens, and a bad one isn't heard", async () => {
  const issuer = await startIssuer();
  const { api } = await apiOf(issuer);
  const token = await issuer.token();
  const bad = client(api.url, `${token.slice(0, -6)}AAAAAA`);
  const statuses = new Set<number>();
  for (let n = 0; n < 70; n += 1) statuses.add((await bad.call("GET", "/flags")).status);
  expect(statuses).toEqual(new Set([401, 429]));

  expect((await client(api.url, token).call("GET", "/flags")).status).toBe(200);
  expect((await client(api.url, newKey().text).call("GET", "/flags")).status).toBe(429);
  expect((await bad.call("GET", "/flags")).status).toBe(429);
});
