import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { onTestFinished } from "vitest";
import type { AccessSettings } from "../../src/api/access/settings.ts";
import { KEYS_ONLY } from "../../src/api/access/settings.ts";

/** An identity provider: signs tokens and publishes its keys at a real address. */
export interface Issuer {
  settings: AccessSettings;
  /** How often its keys were asked for. */
  asked(): number;
  /** A token with these claims and this header on top of what a good one has; `exp: null` leaves its end out. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** The published key of that name, as JWK. */
  jwk(): JWK;
  /** Signs with a new key from now on, and publishes only that. */
  rotate(): Promise<void>;
  /** What it answers instead of its keys; null: its keys. */
  misbehave(how: "down" | "huge" | "elsewhere" | null): void;
}

const AUDIENCE = "reminder-engine";

export async function startIssuer(oidc: Partial<NonNullable<AccessSettings["oidc"]>> = {}): Promise<Issuer> {
  let number = 0;
  let asked = 0;
  let mood: "down" | "huge" | "elsewhere" | null = null;
  let key = await newKeyPair(`key-${number}`);
  const server = createServer((_request, response) => {
    asked += 1;
    if (mood === "down") response.writeHead(500).end();
    else if (mood === "huge") response.end(`{"keys":[],"x":"${"x".repeat(1_000_000)}"}`);
    else if (mood === "elsewhere") response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    else response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [key.jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    settings: {
      ...KEYS_ONLY,
      oidc: {
        issuer,
        audience: AUDIENCE,
        jwksUrl: `${issuer}/jwks`,
        algorithms: ["RS256", "ES256"],
        tenantClaim: null,
        scopeClaim: "scope",
        ...oidc,
      },
    },
    asked: () => asked,
    token: ({ exp = "5m", ...claims } = {}, header = {}) => {
      const token = new SignJWT({ scope: "flags:read flags:write", ...claims })
        .setProtectedHeader({ alg: "RS256", kid: key.jwk.kid ?? "", ...header })
        .setIssuer((claims.iss as string) ?? issuer)
        .setAudience((claims.aud as string) ?? AUDIENCE)
        .setSubject((claims.sub as string) ?? "alice");
      return (exp === null ? token : token.setExpirationTime(exp as number)).sign(key.privateKey);
    },
    jwk: () => key.jwk,
    rotate: async () => {
      number += 1;
      key = await newKeyPair(`key-${number}`);
    },
    misbehave: (how) => {
      mood = how;
    },
  };
}

async function newKeyPair(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" };
  return { privateKey, jwk };
}
