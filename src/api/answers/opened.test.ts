import fc from "fast-check";
import { expect, test } from "vitest";
import { LINK_PURPOSES } from "../../core/answer.ts";
import { type AnswerKey, signAnswer, verifyAnswer } from "../../secrets/answer-token.ts";
import { asOwn, openLink } from "./opened.ts";

const HOUR = 3_600_000;
const KEYS = new Map<number, AnswerKey>([0, 7, 255].map((id) => [id, { id, secret: Buffer.alloc(32, id) }]));
const keyOf = (id: number): AnswerKey | null => KEYS.get(id) ?? null;

const anyPurpose = fc.constantFrom(...LINK_PURPOSES);
const anyDelivery = fc.record({
  reminderId: fc.maxSafeInteger().filter((id) => id > 0),
  occurrenceAt: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
  recipientNo: fc.integer({ min: 0, max: 32_767 }),
});
const anyLink = fc
  .record({
    delivery: anyDelivery,
    tenant: fc.constantFrom("default", "acme"),
    hours: fc.integer({ min: 1, max: 9_000 }),
  })
  .map(({ delivery, tenant, hours }) => ({
    ...{ ...delivery, tenant, expiresAt: delivery.occurrenceAt + hours * HOUR },
  }));

test("a link leads on to the links that its message has, by its own key and for as long; and to those of another delivery for as long after that", () => {
  fc.assert(
    fc.property(
      anyLink,
      anyDelivery,
      anyPurpose,
      anyPurpose,
      fc.constantFrom(...KEYS.values()),
      (link, other, from, to, key) => {
        const opened = openLink(signAnswer({ ...link, purpose: from }, key), keyOf);
        expect(opened).toMatchObject({ ...link, purpose: from });
        expect(opened?.leadOn(to)).toBe(signAnswer({ ...link, purpose: to }, key));
        const lasts = link.expiresAt - link.occurrenceAt;
        const led = verifyAnswer(opened?.leadOn(to, other) ?? "", (id) => (id === key.id ? key : null));
        expect(led).toEqual({
          ...{ ...other, tenant: link.tenant, purpose: to, expiresAt: other.occurrenceAt + lasts },
        });
      },
    ),
  );
});

test("a dash or a low line at its end may be missing, and nothing else", () => {
  const key = KEYS.get(7) as AnswerKey;
  const occurrenceAt = Date.UTC(2026, 0);
  const missing = new Set<string>();
  for (let n = 0; n < 2_000; n += 1) {
    const expiresAt = occurrenceAt + (200 + Math.floor(n / 100)) * HOUR;
    const link = { tenant: "acme", reminderId: 1 + (n % 100), occurrenceAt, recipientNo: 0, expiresAt };
    const token = signAnswer({ ...link, purpose: "done" }, key);
    const [cut, end] = [token.slice(0, -1), token.slice(-1)];
    const opened = openLink(cut, keyOf);
    if (end === "-" || end === "_") expect(opened).toMatchObject(link);
    else expect(opened).toBeNull();
    if (opened !== null) missing.add(end);
  }
  expect([...missing].toSorted()).toEqual(["-", "_"]);
});

test("what nobody has signed leads nowhere, whatever it is", () => {
  fc.assert(
    fc.property(anyLink, anyPurpose, fc.nat(), fc.integer({ min: 1, max: 255 }), (link, purpose, at, flip) => {
      const bytes = Buffer.from(signAnswer({ ...link, purpose }, KEYS.get(7) as AnswerKey), "base64url");
      const place = at % bytes.length;
      bytes[place] = (bytes[place] as number) ^ flip;
      expect(openLink(bytes.toString("base64url"), keyOf)).toBeNull();
    }),
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void expect(openLink(text, keyOf)).toBeNull()));
});

test("only what asks or tells something by itself takes an answer", () => {
  const key = KEYS.get(0) as AnswerKey;
  const link = { tenant: "default", reminderId: 1, occurrenceAt: 0, recipientNo: 0, expiresAt: HOUR };
  const own = LINK_PURPOSES.filter((purpose) => asOwn(openLink(signAnswer({ ...link, purpose }, key), keyOf)) !== null);
  expect(own).toEqual(["done", "snooze", "promise", "not_me", "stop", "why"]);
});
