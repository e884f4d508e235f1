import fc from "fast-check";
import { expect, test } from "vitest";
import { readContactAddress, writeContactAddress } from "./contact-address.ts";

const part = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((text) => text.trim() !== "" && !/[\p{Cc}\u2028\u2029]/u.test(text)),
  fc.constantFrom("a/b", "%", "%2F", "%252F", "/", "//", "interviewer"),
);
const contact = fc.record({ entityType: part, entityId: part });

test("a contact's address is read as the contact that it was written for, whatever slashes and percent signs are in it", () => {
  fc.assert(
    fc.property(contact, (name) => {
      expect(readContactAddress(writeContactAddress(name))).toEqual(name);
    }),
  );
});

test("no two contacts have one address", () => {
  fc.assert(
    fc.property(contact, contact, (one, other) => {
      const isSame = one.entityType === other.entityType && one.entityId === other.entityId;
      expect(writeContactAddress(one) === writeContactAddress(other)).toBe(isSame);
    }),
  );
});

test.each(["", "interviewer", "/INT_100", "interviewer/", " / ", "a%b/c", `a/${"x".repeat(201)}`, "a/b\nc"])(
  "%j names no contact",
  (text) => {
    expect(readContactAddress(text)).toBeNull();
  },
);
