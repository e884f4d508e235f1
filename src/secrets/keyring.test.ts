import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SealedSecret, SecretPlace } from "../core/secret.ts";
import { CannotOpen, Keyring, NoKey } from "./keyring.ts";
import { newMasterKey, parseMasterKeys } from "./master-key.ts";

const place: SecretPlace = { tenantId: "acme", kind: "channel:email", name: "smtp_password" };
const [older, newer] = [newMasterKey(), newMasterKey()];
const ringOf = (...keys: string[]): Keyring => new Keyring(keys.flatMap(parseMasterKeys));
const ring = ringOf(newer);

test("whatever was sealed opens as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (secret) => {
      expect(ring.open(place, ring.seal(place, secret))).toBe(secret);
    }),
    { numRuns: 300 },
  );
});

test("the same secret sealed twice has nothing in common", () => {
  const [one, two] = [ring.seal(place, "hunter2"), ring.seal(place, "hunter2")];
  expect(one.ciphertext.equals(two.ciphertext)).toBe(false);
  expect(one.wrappedKey.equals(two.wrappedKey)).toBe(false);
});

test("what an earlier release has sealed still opens", () => {
  const key = "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=";
  const sealed: SealedSecret = {
    keyId: "43830fd21e63d0d6",
    wrappedKey: Buffer.from(
      "AeuzeLZuyYgtNKRpo9aLSfiY5twdv7JoqlRzQy7xJWkLFlPAMX4OXqrr3g7iQbWlaDNSwsfe15vvn4JU7A==",
      "base64",
    ),
    ciphertext: Buffer.from("AXHqAyHjgHE5musHtjJDN0peA62muFzlvrAM6S8x6UU9330+KBIH", "base64"),
  };
  expect(ringOf(key).open(place, sealed)).toBe("pässwörd");
});

describe("a sealed secret does not open", () => {
  const sealed = ring.seal(place, "hunter2");

  test.each([
    ["for another tenant", { ...place, tenantId: "evil" }],
    ["as another kind", { ...place, kind: "channel:slack" }],
    ["under another name", { ...place, name: "smtp_password2" }],
    // Names that would run into one another if they were only put in a row.
    ["where the parts are split differently", { ...place, kind: "channel:emailsmtp", name: "_password" }],
    ["where a name looks like a separator", { ...place, kind: 'channel:email","smtp_password', name: "" }],
  ])("%s", (_, elsewhere) => {
    expect(() => ring.open(elsewhere, sealed)).toThrow(CannotOpen);
    expect(() => ring.rewrap(elsewhere, sealed)).toThrow(CannotOpen);
  });

  test("with any bit of it changed, or any end of it missing", () => {
    for (const part of ["wrappedKey", "ciphertext"] as const) {
      const box = sealed[part];
      for (let bit = 0; bit < box.length * 8; bit += 1) {
        const changed = Buffer.from(box);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => ring.open(place, { ...sealed, [part]: changed })).toThrow(CannotOpen);
      }
      for (let length = 0; length < box.length; length += 1) {
        expect(() => ring.open(place, { ...sealed, [part]: box.subarray(0, length) })).toThrow(CannotOpen);
      }
    }
  });

  test("with the data key of another secret, of the same place even", () => {
    const other = ring.seal(place, "hunter3");
    expect(() => ring.open(place, { ...sealed, wrappedKey: other.wrappedKey })).toThrow(CannotOpen);
  });

  test("without its master key, which the message names by its id", () => {
    expect(() => ringOf(older).open(place, sealed)).toThrow(
      `is sealed with the key ${sealed.keyId}, which is in neither`,
    );
    expect(() => new Keyring([]).open(place, sealed)).toThrow(CannotOpen);
  });

  test("when its row names another of our keys", () => {
    const both = ringOf(older, newer);
    expect(() => both.open(place, { ...sealed, keyId: both.newestId as string })).toThrow(CannotOpen);
  });
});

describe("several keys", () => {
  test("the first seals, and all open", () => {
    const [before, during, after] = [ringOf(older), ringOf(newer, older), ringOf(newer)];
    const old = before.seal(place, "hunter2");

    expect(during.open(place, old)).toBe("hunter2");
    expect(after.open(place, during.seal(place, "hunter3"))).toBe("hunter3");
    expect(() => after.open(place, old)).toThrow(CannotOpen);
  });

  test("a re-wrapped secret opens with the new key alone, and its ciphertext is the same", () => {
    const old = ringOf(older).seal(place, "hunter2");
    const rewrapped = { ...old, ...ringOf(newer, older).rewrap(place, old) };

    expect(ringOf(newer).open(place, rewrapped)).toBe("hunter2");
    expect(() => ringOf(older).open(place, rewrapped)).toThrow(CannotOpen);
  });
});

test("without a key nothing is sealed, and the sentence says how to make one", () => {
  expect(() => new Keyring([]).seal(place, "hunter2")).toThrow(NoKey);
  expect(() => new Keyring([]).seal(place, "hunter2")).toThrow("reminder-engine secrets new-key");
});

test("a keyring that is printed shows nothing of its keys", () => {
  const shown = `${inspect(ring, { depth: 10, showHidden: true })}${JSON.stringify(ring)}`;
  expect(shown).not.toContain(newer);
  expect(shown).not.toContain(Buffer.from(newer, "base64").toString("hex"));
});
