import { expect, test } from "vitest";
import { hideBearers } from "./bearers.ts";

const HALVES = ["EAABhf7F96E0ANAFA2Kn1lHZ", "zGMREtoE1-vRa0UVUapzGMREtoE1vRa0UVUap"];

test.each(["\n", "\r\n", "=\r\n", "\n> ", "\r\n>> ", "\n\t", "\u200b", "\u00ad"])(
  "a link that a mail program has broken in two by %j shows neither of them: who knows what it is about can make the first of the second",
  (within) => {
    expect(hideBearers(`See https://h.example/a/${HALVES.join(within)} for more.`, "[hidden]")).toBe(
      "See https://h.example/a/[hidden] for more.",
    );
    const early = `See https://h.example/a/EAABhf7F${within}${HALVES.join("")} for more.`;
    expect(hideBearers(early, "[hidden]")).toBe("See https://h.example/a/[hidden] for more.");
  },
);

test("what stands in the line after a link stays", () => {
  const text = `https://h.example/a/${HALVES.join("")}\nI'll do it.\n\nAnn`;
  expect(hideBearers(text, "[hidden]")).toBe("https://h.example/a/[hidden]\nI'll do it.\n\nAnn");
});
