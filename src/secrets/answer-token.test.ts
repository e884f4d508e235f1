import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LINK_PURPOSES } from "../core/answer.ts";
import { type AnswerKey, type AnswerLink, LONGEST_TOKEN, signAnswer, verifyAnswer } from "./answer-token.ts";

const HOUR = 3_600_000;
const KEYS = new Map<number, AnswerKey>([0, 7, 255].map((id) => [id, { id, secret: randomBytes(32) }]));
const keyOf = (id: number): AnswerKey | null => KEYS.get(id) ?? null;

const letters = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789_-");
const anyLink: fc.Arbitrary<AnswerLink> = fc
  .record({
    tenant: fc
      .tuple(fc.constantFrom("a", "z", "0", "9"), fc.string({ unit: letters, maxLength: 62 }))
      .map((parts) => parts.join("")),
    purpose: fc.constantFrom(...LINK_PURPOSES),
    reminderId: fc.oneof(
      fc.integer({ min: 1, max: 1_000 }),
      fc.maxSafeInteger().filter((id) => id > 0),
    ),
    occurrenceAt: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
    recipientNo: fc.integer({ min: 0, max: 32_767 }),
    hours: fc.integer({ min: 1, max: 366 * 24 }),
  })
  .map(({ hours, ...link }) => ({ ...link, expiresAt: link.occurrenceAt + hours * HOUR }));
const anyKey = fc.constantFrom(...KEYS.values());

test("what is signed is read again, and short enough for a text message", () => {
  fc.assert(
    fc.property(anyLink, anyKey, (link, key) => {
      const token = signAnswer(link, key);
      expect(`/a/${token}`.length).toBeLessThan(120);
      expect(token.length).toBeLessThanOrEqual(LONGEST_TOKEN);
      expect(verifyAnswer(token, keyOf)).toEqual(link);
      expect(signAnswer(link, key)).toBe(token);
    }),
  );
  const usual = {
    tenant: "default",
    purpose: "done",
    reminderId: 123,
    occurrenceAt: Date.UTC(2026, 0),
    recipientNo: 0,
  } as const;
  expect(
    signAnswer({ ...usual, expiresAt: usual.occurrenceAt + 720 * HOUR }, KEYS.get(7) as AnswerKey).length,
  ).toBeLessThan(50);
});

test("what was signed before there were links that lead on is read as it was meant", () => {
  const known = { 7: { id: 7, secret: Buffer.alloc(32, 7) } } as Record<number, AnswerKey>;
  const tokens = {
    done: "EAd7gNDqtrczANAFA2Kn1lHRrGFsMk3zut3Ebvc6WFtx",
    snooze: "EQd7gNDqtrczANAFA2Kn1lHo4R5g-7H_qVXrSLSogKE8",
    promise: "Egd7gNDqtrczANAFA2Kn1lGAaEUbdK_Zes9VMCx_OwWk",
    not_me: "Ewd7gNDqtrczANAFA2Kn1lFDr75jV88mB-ZiJDnU1d14",
    stop: "FAd7gNDqtrczANAFA2Kn1lEJ9pVElXaUkkI7wI6CXNaE",
    why: "FQd7gNDqtrczANAFA2Kn1lGmZZH5OmXCNK750N41vJHi",
  };
  for (const [purpose, token] of Object.entries(tokens)) {
    expect(verifyAnswer(token, (id) => known[id] ?? null)).toMatchObject({
      purpose,
      reminderId: 123,
      tenant: "default",
    });
  }
});

test("what stands in a button is no link, and the other way round", () => {
  fc.assert(
    fc.property(anyLink, anyKey, (link, key) => {
      const [inButton, inLink] = [signAnswer(link, key, "button"), signAnswer(link, key)];
      expect(verifyAnswer(inButton, keyOf, "button")).toEqual(link);
      expect([verifyAnswer(inButton, keyOf), verifyAnswer(inLink, keyOf, "button")]).toEqual([null, null]);
    }),
  );
});

test("a token with any bit changed, cut off, or with anything added is none", () => {
  fc.assert(
    fc.property(anyLink, anyKey, fc.nat(), fc.nat(7), (link, key, place, bit) => {
      const token = signAnswer(link, key);
      const bytes = Buffer.from(token, "base64url");
      const at = place % bytes.length;
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      expect(verifyAnswer(bytes.toString("base64url"), keyOf)).toBeNull();
      for (const wrong of [token.slice(0, -1), token.slice(1), `${token}A`, `${token}=`, ` ${token}`]) {
        expect(verifyAnswer(wrong, keyOf)).toBeNull();
      }
    }),
  );
});

test("another text for the same bytes is none", () => {
  const link = {
    tenant: "a",
    purpose: "done",
    reminderId: 1,
    occurrenceAt: 0,
    recipientNo: 0,
    expiresAt: HOUR,
  } as const;
  const token = signAnswer(link, KEYS.get(0) as AnswerKey);
  expect(token.length % 4).not.toBe(0);
  const others = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    .map((letter) => token.slice(0, -1) + letter)
    .filter((other) => other !== token);
  for (const other of others) expect(verifyAnswer(other, keyOf)).toBeNull();
});

test("what another key has signed, or one that is no more, is none", () => {
  fc.assert(
    fc.property(anyLink, (link) => {
      expect(verifyAnswer(signAnswer(link, { id: 7, secret: randomBytes(32) }), keyOf)).toBeNull();
      expect(verifyAnswer(signAnswer(link, { id: 8, secret: randomBytes(32) }), keyOf)).toBeNull();
      expect(verifyAnswer(signAnswer(link, { id: 8, secret: Buffer.alloc(32) }), keyOf)).toBeNull();
    }),
  );
});

test.each(["", "A", "AAAA", "-".repeat(116), "x".repeat(100_000), "../../etc", "é".repeat(20), "%00"])(
  "%j is none",
  (text) => {
    expect(verifyAnswer(text, keyOf)).toBeNull();
  },
);
