import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  channelsAfter,
  circleIn,
  type Fallback,
  type Fallbacks,
  fallbacksWith,
  flawOfFallbacks,
  goesOverInMs,
  readDownTime,
  readFallbacks,
} from "./fallback.ts";

const NAMES = ["email", "slack", "sms", "webhook", "console"];
const name = fc.constantFrom(...NAMES);
const fallback = fc.option(
  fc.record({ channel: name, afterMs: fc.option(fc.integer({ min: 60_000, max: 86_400_000 })) }),
);
const anyFallbacks: fc.Arbitrary<Fallbacks> = fc
  .array(fc.tuple(name, fallback), { maxLength: 8 })
  .map((entries) => new Map<string, Fallback | null>(entries));

const minutes = (count: number) => count * 60_000;

describe("which channel is next", () => {
  test("whatever is named: each is tried once, none again, and each is the fallback of the one before", () => {
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 3 }), anyFallbacks, (channel, tried, fallbacks) => {
        const left = channelsAfter(channel, tried, fallbacks);
        expect(new Set(left).size).toBe(left.length);
        for (const one of left) expect([...tried, channel]).not.toContain(one);
        for (const [place, one] of left.entries())
          expect(fallbacks.get(place === 0 ? channel : (left[place - 1] as string))?.channel).toBe(one);
        const last = left.at(-1) ?? channel;
        const beyond = fallbacks.get(last)?.channel;
        if (beyond !== undefined) expect([...tried, channel, ...left]).toContain(beyond);
      }),
    );
  });

  test("a message that goes from one to the next gets to the end, whoever changes what is named meanwhile", () => {
    fc.assert(
      fc.property(name, fc.array(anyFallbacks, { minLength: 10, maxLength: 10 }), (first, changing) => {
        const tried: string[] = [];
        let channel = first;
        for (const fallbacks of changing) {
          const [next] = channelsAfter(channel, tried, fallbacks);
          if (next === undefined) continue;
          tried.push(channel);
          channel = next;
        }
        expect(new Set([...tried, channel]).size).toBe(tried.length + 1);
        expect(tried.length).toBeLessThan(NAMES.length);
      }),
    );
  });

  test("what a tenant says counts before, channel by channel, also that there is none", () => {
    fc.assert(
      fc.property(anyFallbacks, anyFallbacks, name, (shared, own, channel) => {
        const both = fallbacksWith(shared, own);
        expect(both.get(channel)).toEqual(own.has(channel) ? own.get(channel) : shared.get(channel));
      }),
    );
  });

  test("a circle is found if and only if a way comes back to where it was", () => {
    fc.assert(
      fc.property(anyFallbacks, (fallbacks) => {
        const comesBack = NAMES.some((start) => {
          let at: string | undefined = start;
          for (let steps = 0; steps <= NAMES.length && at !== undefined; steps += 1) at = fallbacks.get(at)?.channel;
          return at !== undefined;
        });
        const circle = circleIn(fallbacks);
        expect(circle !== null).toBe(comesBack);
        if (circle) expect(circle.at(0)).toBe(circle.at(-1));
      }),
    );
  });
});

describe("what has only failed for a while", () => {
  test("goes over at that very instant, neither sooner nor later", () => {
    const named = { channel: "email", afterMs: minutes(10) };
    expect(goesOverInMs(named, 1_000, 1_000)).toBe(minutes(10));
    expect(goesOverInMs(named, 1_000, minutes(10) + 999)).toBe(1);
    expect(goesOverInMs(named, 1_000, minutes(10) + 1_000)).toBe(0);
    expect(goesOverInMs(named, 1_000, minutes(90))).toBe(0);
  });

  test("waits for its end where no time is named, or no fallback", () => {
    expect(goesOverInMs({ channel: "email", afterMs: null }, 0, minutes(90))).toBeNull();
    expect(goesOverInMs(null, 0, minutes(90))).toBeNull();
    expect(goesOverInMs(undefined, 0, minutes(90))).toBeNull();
  });
});

describe("as settings write them", () => {
  test("channel, fallback and, with it, a time", () => {
    expect(readFallbacks("slack:email:15m, sms:email", NAMES)).toEqual(
      new Map([
        ["slack", { channel: "email", afterMs: minutes(15) }],
        ["sms", { channel: "email", afterMs: null }],
      ]),
    );
  });

  test.each([
    ["slack", "a list like"],
    ["slack:", "a list like"],
    ["slack:email:15m:x", "a list like"],
    ["slack:email,", "a list like"],
    ["slack:email:15", 'with a time from 1m to 7d, like 15m, 2h or 1d after the channels, which "15" isn\'t'],
    ["slack:email:30s", "with a time"],
    ["slack:email:8d", "with a time"],
    ["slack:email,slack:sms", "for each channel one fallback: slack has more than one"],
    ["slack:post", 'made of channels that there are: "post" is none of email, slack'],
    ["Slack:email", '"Slack" is none of'],
    ["slack:slack", "for each channel another one: slack can't stand in for itself"],
    ["slack:email,email:slack", "without a circle: slack -> email -> slack"],
    ["console:slack,slack:email,email:sms,sms:slack", "without a circle: slack -> email -> sms -> slack"],
  ])("%s is refused, and it is said why", (text, why) => {
    expect(readFallbacks(text, NAMES)).toContain(why);
  });

  test("any text is read or refused in words, and what is read has no flaw", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[a-z]{3,5}(:[a-z]{3,5}(:[0-9]{1,3}[smhd])?)?$/)),
        (text) => {
          const read = readFallbacks(text, NAMES);
          if (typeof read !== "string") expect(flawOfFallbacks(read, NAMES)).toBeNull();
        },
      ),
    );
  });

  test.each([
    ["1m", 60_000],
    ["60s", 60_000],
    ["7d", 604_800_000],
    ["59s", null],
    ["1.5h", null],
    ["10081m", null],
    ["-5m", null],
    ["", null],
  ])("%j is %d ms", (text, ms) => {
    expect(readDownTime(text)).toBe(ms);
  });
});
