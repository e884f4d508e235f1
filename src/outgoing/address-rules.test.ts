import { networkInterfaces } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressRules } from "./address-rules.ts";

const rules = addressRules({ allow: [], deny: [] });

// The registries once more, by another hand and in another way: as numbers, from the first address to the last.
const ipv4 = (a: number, b = 0, c = 0, d = 0): number => a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
const NOT_PUBLIC_IPV4: readonly (readonly [from: number, to: number])[] = [
  [ipv4(0), ipv4(0, 255, 255, 255)],
  [ipv4(10), ipv4(10, 255, 255, 255)],
  [ipv4(100, 64), ipv4(100, 127, 255, 255)],
  [ipv4(127), ipv4(127, 255, 255, 255)],
  [ipv4(168, 63, 129, 16), ipv4(168, 63, 129, 16)],
  [ipv4(169, 254), ipv4(169, 254, 255, 255)],
  [ipv4(172, 16), ipv4(172, 31, 255, 255)],
  [ipv4(192, 0, 0), ipv4(192, 0, 0, 255)],
  [ipv4(192, 0, 2), ipv4(192, 0, 2, 255)],
  [ipv4(192, 31, 196), ipv4(192, 31, 196, 255)],
  [ipv4(192, 52, 193), ipv4(192, 52, 193, 255)],
  [ipv4(192, 88, 99), ipv4(192, 88, 99, 255)],
  [ipv4(192, 168), ipv4(192, 168, 255, 255)],
  [ipv4(192, 175, 48), ipv4(192, 175, 48, 255)],
  [ipv4(198, 18), ipv4(198, 19, 255, 255)],
  [ipv4(198, 51, 100), ipv4(198, 51, 100, 255)],
  [ipv4(203, 0, 113), ipv4(203, 0, 113, 255)],
  [ipv4(224), ipv4(255, 255, 255, 255)],
];
const isPublicIpv4 = (number: number): boolean => !NOT_PUBLIC_IPV4.some(([from, to]) => from <= number && number <= to);

/** By the first 48 bits, which is all that the registry of IPv6 goes by within 2000::/3. */
function isPublicIpv6(number: bigint): boolean {
  const groups = Array.from({ length: 3 }, (_, at) => Number((number >> BigInt(112 - 16 * at)) & 0xffffn));
  const [one = 0, two = 0, three = 0] = groups;
  if (number >> 32n === 0x0064_ff9b_0000_0000_0000_0000n) return isPublicIpv4(Number(number & 0xffff_ffffn));
  if (one < 0x2000 || one > 0x3fff) return false;
  if (one === 0x2001 && (two < 0x0200 || two === 0x0db8)) return false;
  if (one === 0x2002) return false;
  if (one === 0x2620 && two === 0x004f && three === 0x8000) return false;
  return !(one === 0x3fff && two < 0x1000);
}

const dotted = (number: number): string => [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join(".");
const colons = (number: bigint): string =>
  Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(":");

const LARGEST_IPV4 = 2 ** 32 - 1;
const LARGEST_IPV6 = 2n ** 128n - 1n;
/** Around the ends of ranges most of all. */
const anIpv4 = fc.oneof(
  fc.integer({ min: 0, max: LARGEST_IPV4 }),
  fc
    .tuple(fc.constantFrom(...NOT_PUBLIC_IPV4.flat()), fc.integer({ min: -2, max: 2 }))
    .map(([end, by]) => Math.min(LARGEST_IPV4, Math.max(0, end + by))),
);
const PREFIXES = [
  "2001",
  "20010",
  "200101ff",
  "20010200",
  "20010db8",
  "2002",
  "26204f8000",
  "3fff0",
  "3fff1",
  "0064ff9b",
];
const anIpv6 = fc.oneof(
  fc.bigInt({ min: 0n, max: LARGEST_IPV6 }),
  fc.bigInt({ min: 0x2n << 124n, max: (0x4n << 124n) - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 48n - 1n }), // compatible and mapped
  anIpv4.map((number) => (0x0064_ff9bn << 96n) + BigInt(number)),
  fc
    .tuple(fc.constantFrom(...PREFIXES), fc.bigInt({ min: 0n, max: LARGEST_IPV6 }), fc.integer({ min: -1, max: 1 }))
    .map(([prefix, rest, by]) => {
      const bits = BigInt(128 - prefix.length * 4);
      return ((BigInt(`0x${prefix}`) << bits) + (rest >> (128n - bits)) + BigInt(by)) & LARGEST_IPV6;
    }),
);

test("an IPv4 address is public for the guard when it is by the registry", () => {
  fc.assert(
    fc.property(anIpv4, (number) => {
      expect({ [dotted(number)]: rules.objectionTo(dotted(number)) === null }).toEqual({
        [dotted(number)]: isPublicIpv4(number),
      });
    }),
    { numRuns: 5_000 },
  );
});

test("an IPv6 address is public for the guard when it is by the registry", () => {
  fc.assert(
    fc.property(anIpv6, (number) => {
      expect({ [colons(number)]: rules.objectionTo(colons(number)) === null }).toEqual({
        [colons(number)]: isPublicIpv6(number),
      });
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  "8.8.8.8",
  "1.1.1.1",
  "93.184.216.34",
  "172.15.255.255",
  "172.32.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "169.253.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:829::200e",
  "2001:200::1",
  "2001:4860:4860::8888",
  "64:ff9b::808:808",
])("%s is public", (address) => expect(rules.objectionTo(address)).toBeNull());

test.each([
  "",
  "example.com",
  "1.2.3",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "1.2.3.4.",
  " 1.2.3.4",
  "1.2.3.4/8",
  "[2606::1]",
  "2606::1%eth0",
  "::ffff:999.1.1.1",
])("%j is not an address", (text) => expect(rules.objectionTo(text)).toBe("not an address"));

describe("what the operator says", () => {
  const own = addressRules({ allow: ["10.1.0.0/16", "::1", "127.0.0.1"], deny: ["10.1.2.0/24", "8.8.8.8"] });

  test.each(["10.1.0.0", "10.1.255.255", "::1", "0:0:0:0:0:0:0:1", "127.0.0.1", "1.1.1.1"])(
    "%s is allowed",
    (address) => expect(own.objectionTo(address)).toBeNull(),
  );
  test.each(["10.0.255.255", "10.2.0.0", "10.1.2.3", "8.8.8.8", "127.0.0.2", "::2", "::ffff:127.0.0.1"])(
    "%s is not",
    (address) => expect(own.objectionTo(address)).not.toBeNull(),
  );
});

test("the machine's own addresses are refused though they are public, unless they are allowed", () => {
  const machine = () => ["93.184.216.34", "2606:2800:21f::1"];
  const objections = (allow: string[]) => {
    const rules = addressRules({ allow, deny: [] }, machine);
    return ["93.184.216.34", "2606:2800:21f:0:0:0:0:1", "93.184.216.35"].map((address) => rules.objectionTo(address));
  };
  const itsOwn = "of the engine's own machine";
  expect(objections([])).toEqual([itsOwn, itsOwn, null]);
  expect(objections(["93.184.216.34"])).toEqual([null, itsOwn, null]);

  const really = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  expect(really.filter((address) => rules.objectionTo(address) === null)).toEqual([]);
});
