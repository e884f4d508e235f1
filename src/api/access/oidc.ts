import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Instant } from "../../core/instant.ts";
import { isTenantName } from "../../core/tenant.ts";
import { Problem } from "../problem.ts";
import { invalidToken } from "./challenge.ts";
import type { OidcSettings } from "./settings.ts";

export interface Bearer {
  subject: string;
  /** Null where the settings name no claim for it. */
  tenant: string | null;
  scopes: string[];
}

/** What the clocks of an issuer and ours may differ by. */
const LEEWAY_SECONDS = 30;
/** Keys that are no longer published are no longer taken after this. */
const KEYS_FRESH_MS = 10 * 60_000;
/** Tokens that name unknown keys make us look for new ones no more often than this. */
const LOOK_AGAIN_MS = 10_000;
const FETCH_MS = 5_000;
const MOST_KEY_BYTES = 512 * 1024;
const LONGEST_SUBJECT = 200;

/** Checks tokens of one issuer. `now` is the clock that expiry is measured by. Throws 401, and 503 if its keys can't be had. */
export function createOidc(
  settings: OidcSettings,
  now: () => Promise<Instant>,
  { lookAgainMs = LOOK_AGAIN_MS }: { lookAgainMs?: number } = {},
): (token: string) => Promise<Bearer> {
  const keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
    timeoutDuration: FETCH_MS,
    cooldownDuration: lookAgainMs,
    cacheMaxAge: KEYS_FRESH_MS,
    [customFetch]: fetchBounded,
  });
  return async (token) => {
    const payload = await verify(token, keys, settings, await now());
    return {
      subject: subjectOf(payload.sub),
      tenant: settings.tenantClaim === null ? null : tenantOf(payload, settings.tenantClaim),
      scopes: scopesOf(claim(payload, settings.scopeClaim)),
    };
  };
}

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience, algorithms }: OidcSettings,
  now: Instant,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(now),
      requiredClaims: ["exp", "sub"],
    });
    return payload;
  } catch (error) {
    throw toProblem(error);
  }
}

/** Errors that say what is wrong with a token, as opposed to with its issuer's keys or with us. */
const OF_THE_TOKEN: Record<string, string> = {
  ERR_JWT_EXPIRED: "the token has expired",
  ERR_JWT_INVALID: "the token can't be read",
  ERR_JWS_INVALID: "the token can't be read",
  ERR_JOSE_ALG_NOT_ALLOWED: "the token is signed in a way that isn't taken here",
  ERR_JOSE_NOT_SUPPORTED: "the token is signed in a way that isn't taken here",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "the token's signature isn't its issuer's",
  ERR_JWKS_NO_MATCHING_KEY: "the token is signed by a key that its issuer doesn't publish",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "the token doesn't say by which of its issuer's keys it is signed",
};

function toProblem(error: unknown): unknown {
  const code = error instanceof errors.JOSEError ? error.code : "";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalidToken(`the token's claim ${error.claim} isn't what is asked for here`);
  }
  const because = OF_THE_TOKEN[code];
  if (because !== undefined) return invalidToken(because);
  return new Problem(503, "the keys that tokens are checked by can't be had at the moment; try again", {
    headers: { "retry-after": "5" },
  });
}

/** A claim by its name, or by the path that leads to it through dots. */
function claim(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  return name.split(".").reduce<unknown>((part, step) => {
    return typeof part === "object" && part !== null && Object.hasOwn(part, step)
      ? (part as Record<string, unknown>)[step]
      : undefined;
  }, payload);
}

function tenantOf(payload: JWTPayload, name: string): string {
  const tenant = claim(payload, name);
  if (typeof tenant === "string" && isTenantName(tenant)) return tenant;
  throw new Problem(403, "the token doesn't say for which tenant its bearer acts");
}

/** Who it is, by name: somebody has to stand in the audit. Throws 401. */
function subjectOf(sub: unknown): string {
  const name = typeof sub === "string" ? clean(sub).trim() : "";
  if (name === "") throw invalidToken("the token's sub must be a text that says whose it is");
  return name;
}

/** A list, or words with spaces between them as RFC 8693 has it. */
function scopesOf(value: unknown): string[] {
  if (typeof value === "string") return value.split(" ");
  return Array.isArray(value) ? value.filter((scope) => typeof scope === "string") : [];
}

/** What somebody else wrote, as it may stand in a line of text. */
function clean(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029]/gu, " ")
    .slice(0, LONGEST_SUBJECT)
    .toWellFormed();
}

/** Reads no more than a key set can need, and goes nowhere else. */
async function fetchBounded(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: "error" });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_KEY_BYTES) throw new Error(`the key set is larger than ${MOST_KEY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  return new Response(status === 204 ? null : Buffer.concat(chunks), { status, headers });
}
