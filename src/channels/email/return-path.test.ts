import fc from "fast-check";
import { expect, test } from "vitest";
import { deliveryId } from "../../core/reminder.ts";
import { parseEmailAddress } from "./address.ts";
import { isBounceAddress, readReturnPath, returnPath } from "./return-path.ts";

const SECRET = "s".repeat(32);
const BASE = "a-name-of-20-letters@bounces.example.com";
const delivery = fc.record({
  reminderId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  occurrenceAt: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
  recipientNo: fc.integer({ min: 0, max: 32_767 }),
});

test("an address of its own for each delivery: valid, short enough, and read again however it is written", () => {
  expect(isBounceAddress(BASE)).toBe(true);
  fc.assert(
    fc.property(delivery, (key) => {
      const address = returnPath(BASE, key, SECRET);
      expect(parseEmailAddress(address)).toBe(address);
      expect(address.indexOf("@")).toBeLessThanOrEqual(64);
      expect(readReturnPath(address.toUpperCase(), SECRET)).toEqual(key);
    }),
  );
});

test("that of a digest says which one, as long as there is room for it", () => {
  const first = { reminderId: 2_000_000_000, occurrenceAt: Date.UTC(2050, 0), recipientNo: 3 };
  const message = { ...first, digestId: `${deliveryId(first)}-0af93b1c` };
  const address = returnPath(BASE, message, SECRET);
  expect(address.indexOf("@")).toBeLessThanOrEqual(64);
  expect(readReturnPath(address.toUpperCase(), SECRET)).toEqual(message);
  expect(readReturnPath(address.replace("-0af93b1c-", "-"), SECRET)).toBe(null);
  expect(readReturnPath(address.replace("-0af93b1c-", "-1af93b1c-"), SECRET)).toBe(null);
  fc.assert(
    fc.property(delivery, (key) => {
      const digestId = `${deliveryId(key)}-0af93b1c`;
      const address = returnPath(BASE, { ...key, digestId }, SECRET);
      expect(address.indexOf("@")).toBeLessThanOrEqual(64);
      expect(readReturnPath(address, SECRET)).toMatchObject(key);
    }),
  );
});

test("nobody makes one up, or another out of one", () => {
  const address = returnPath(BASE, { reminderId: 42, occurrenceAt: 1_736_947_800_000, recipientNo: 0 }, SECRET);
  expect(readReturnPath(address, "x".repeat(32))).toBe(null);
  for (const forged of [address.replace("+16-", "+17-"), address.replace("-0-", "-1-"), address.replace("+", "+1")]) {
    expect(forged).not.toBe(address);
    expect(readReturnPath(forged, SECRET)).toBe(null);
  }
  for (const other of [
    "",
    "@",
    "bounces@example.com",
    "a+b@c",
    `a+${"1-".repeat(5_000)}@c`,
    address.replace(/-[^-]+@/, "-@"),
  ])
    expect(readReturnPath(other, SECRET)).toBe(null);
});

test.each(["a-name-of-21-letters-@example.com", "a+b@example.com", "@example.com"])(
  "%s has no room for it",
  (address) => {
    expect(isBounceAddress(address)).toBe(false);
  },
);
