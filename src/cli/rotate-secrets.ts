import type { SecretPlace } from "../core/secret.ts";
import { CannotOpen, type Keyring, NoKey } from "../secrets/keyring.ts";
import type { Sql } from "../store/postgres.ts";
import { type Rewrapped, wrappedOtherwise, writeRewrapped } from "../store/secrets.ts";

/** Data keys that are read, re-wrapped and written together. */
const PAGE = 500;

export interface Rotation {
  rewrapped: number;
  /** Those that can't be opened, and why: they stay as they are. */
  failed: { place: SecretPlace; because: string }[];
}

/**
 * Wraps all data keys with the newest master key. May run while everything else does, twice, and at once: a page is one
 * statement, and what somebody else has changed meanwhile is left alone. Throws `NoKey`.
 */
export async function rotateSecrets(sql: Sql, keyring: Keyring, pageSize = PAGE): Promise<Rotation> {
  const newest = keyring.newestId;
  if (newest === null) throw new NoKey();
  const rotation: Rotation = { rewrapped: 0, failed: [] };
  for (let after: SecretPlace | null = null; ; ) {
    const page: Awaited<ReturnType<typeof wrappedOtherwise>> = await wrappedOtherwise(sql, newest, {
      after,
      limit: pageSize,
    });
    const last = page.at(-1);
    if (last === undefined) return rotation;
    after = last;
    const rewrapped: Rewrapped[] = [];
    for (const place of page) {
      try {
        rewrapped.push({ place, old: place, new: keyring.rewrap(place, place) });
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error;
        rotation.failed.push({ place, because: error.message });
      }
    }
    rotation.rewrapped += await writeRewrapped(sql, rewrapped);
  }
}
