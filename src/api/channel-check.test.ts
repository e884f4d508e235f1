import { expect, test } from "vitest";
import type { Channel } from "../channels/channel.ts";
import { parseAddressOf, parseRecipients } from "./channel-check.ts";
import { Problem } from "./problem.ts";

const web: Pick<Channel, "parseRecipient"> = { parseRecipient: (text) => new URL(text).href };
const channels = new Map([["web", web as Channel]]);

test("an address is counted as it is kept: a URL in another script may have too many characters by then", () => {
  const short = `https://x.example/${"\u3042".repeat(50)}`;
  expect(parseAddressOf(channels, "web", short)).toHaveLength(18 + 9 * 50);
  const long = `https://x.example/${"\u3042".repeat(100)}`;
  expect(() => parseAddressOf(channels, "web", long)).toThrow(Problem);
  expect(() => parseRecipients(channels, "web", [long])).toThrow(/recipients|characters/);
});
