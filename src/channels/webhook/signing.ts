import { z } from "zod";
import { fingerprintOf, secretFlaw } from "../../outgoing/standard-webhooks.ts";
import { BrokenSettings } from "../own-settings.ts";

/** What webhooks are signed with: one secret, or several while receivers change from one to another. */
export interface Signing {
  /** None: nothing can be sent. */
  secrets: readonly string[];
}

/** The name under which a tenant's secrets are sealed, all together. */
export const SIGNING_SECRETS = "signing_secrets";
/** Each is a line of a header for every receiver. */
export const MOST_SECRETS = 5;

/** What is stored in the open: enough to tell which secrets are in use. */
export const StoredSigning = z.strictObject({
  fingerprints: z.array(z.string("must be text").max(100), "must be a list").max(MOST_SECRETS),
});
export type StoredSigning = z.output<typeof StoredSigning>;

/** Secrets as they are written down, with spaces or commas between them. */
export function splitSecrets(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

/** What is wrong with these as secrets, as in "must be ..."; null if nothing is. Shows nothing of them. */
export function signingFlaw(secrets: readonly string[]): string | null {
  if (secrets.length === 0 || secrets.length > MOST_SECRETS)
    return `must be 1 to ${MOST_SECRETS} secrets with spaces between them`;
  return secrets.map(secretFlaw).find((flaw) => flaw !== null) ?? null;
}

/** The secrets by what tells them apart and nothing more. */
export function storedSigning(secrets: readonly string[]): StoredSigning {
  return { fingerprints: secrets.map(fingerprintOf) };
}

/** What stored settings and opened secrets make. Throws `BrokenSettings`: they may have been written by hand. */
export function toSigning(_settings: unknown, opened: ReadonlyMap<string, string>): Signing {
  const secrets = splitSecrets(opened.get(SIGNING_SECRETS) ?? "");
  const flaw = signingFlaw(secrets);
  if (flaw !== null) throw new BrokenSettings(`can't be used: its ${SIGNING_SECRETS} ${flaw}`);
  return { secrets };
}
