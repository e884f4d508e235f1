import fc from "fast-check";
import { expect, test } from "vitest";
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
