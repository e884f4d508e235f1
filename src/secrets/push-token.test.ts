import fc from "fast-check";
import { expect, test } from "vitest";
import { type AnswerKey, signAnswer, verifyAnswer } from "./answer-token.ts";
import { signPushLink, verifyPushLink } from "./push-token.ts";

const key: AnswerKey = { id: 7, secret: Buffer.alloc(32, 1) };
const keyOf = (id: number) => (id === key.id ? key : null);
const link = {
  tenant: "acme",
  entityType: "interviewer",
  entityId: "INT_100",
  madeAt: 1_799_999_999_999,
  expiresAt: 1_800_000_000_000,
};

test("a link says what was signed, for any names", () => {
  const name = fc.string({ minLength: 1, maxLength: 40, unit: "binary" });
  fc.assert(
    fc.property(name, name, fc.integer({ min: 0, max: 4_000_000_000 }), (entityType, entityId, minutes) => {
      const madeAt = minutes * 59_999;
      const wanted = {
        ...{ tenant: "acme", entityType: entityType.toWellFormed(), entityId },
        ...{ madeAt, expiresAt: minutes * 60_000 },
      };
      const signed = { ...wanted, entityId: entityId.toWellFormed() };
      expect(verifyPushLink(signPushLink(signed, key), keyOf)).toEqual(signed);
    }),
    { numRuns: 50 },
  );
});

test("whatever byte of it is changed, cut off or added, it is no link any more", () => {
  const token = signPushLink(link, key);
  const bytes = Buffer.from(token, "base64url");
  for (let at = 0; at < bytes.length; at += 1) {
    const forged = Buffer.from(bytes);
    forged[at] = (forged[at] as number) ^ 1;
    expect(
      verifyPushLink(forged.toString("base64url"), (id) => ({ ...key, id })),
      `byte ${at}`,
    ).toBeNull();
  }
  for (const forged of [token.slice(0, -1), `${token}A`, `${token}=`, "", "A", token.slice(0, 20), "A".repeat(5_000)])
    expect(verifyPushLink(forged, keyOf)).toBeNull();
});

test("another key, or none, opens nothing", () => {
  const token = signPushLink(link, key);
  expect(verifyPushLink(token, () => null)).toBeNull();
  expect(verifyPushLink(token, () => ({ ...key, secret: Buffer.alloc(32, 2) }))).toBeNull();
});

test("what answers a message subscribes no device, and the other way round", () => {
  const answer = {
    tenant: "acme",
    purpose: "done",
    reminderId: 1,
    occurrenceAt: 0,
    recipientNo: 0,
    expiresAt: 0,
  } as const;
  expect(verifyPushLink(signAnswer(answer, key), keyOf)).toBeNull();
  expect(verifyAnswer(signPushLink(link, key), keyOf)).toBeNull();
});
