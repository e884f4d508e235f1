import { expect, test } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

test.each([
  [{ "retry-after": "120" }, 120_000],
  [{ "retry-after": " 0 " }, 0],
  [{ "retry-after": "Wed, 21 Oct 2015 07:30:00 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 120_000],
  [{ "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", date: "Wed, 21 Oct 2015 07:30:00 GMT" }, 0],
  [{ "retry-after": "Wed, 21 Oct 2015 07:30:00 GMT" }, 0],
  [{ "retry-after": "-5", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
  [{ "retry-after": "9".repeat(400) }, 0],
  [{ "retry-after": "soon" }, 0],
  [{}, 0],
])("%j asks for %d ms", (headers, expected) => {
  expect(retryAfterMs({ headers: headers as Record<string, string> })).toBe(expected);
});
