import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import type { GuardedHttp } from "../outgoing/guarded-http.ts";
import { testLinks } from "../secrets/test-link.ts";
import { countThatFits, type Item, writeDigest } from "../templates/digest.ts";
import { renderMessage } from "../templates/render.ts";
import type { Channel, Message } from "./channel.ts";
import { createServiceChannel } from "./services/channel.ts";
import { SERVICES } from "./services/list.ts";
import { wordsFor } from "./services/words.ts";
import { slackContent } from "./slack/blocks.ts";
import { createSlackChannel } from "./slack/slack.ts";

// Nothing is sent.
const http = null as unknown as GuardedHttp;

interface Way {
  name: string;
  channel: Channel;
  /** The texts in which its links stand, as they are sent. */
  texts(message: Message, written: Item["rendered"]): string[];
}

const WAYS: Way[] = [
  ...SERVICES.filter(({ markup, isForPrograms }) => markup !== "none" && !isForPrograms).map((service) => ({
    name: service.name,
    channel: createServiceChannel(service, { access: null, http }),
    texts: (message: Message, written: Item["rendered"]) => [wordsFor(service, message, written).text],
  })),
  {
    name: "slack",
    channel: createSlackChannel({ account: null, apiUrl: "", publicUrl: null, concurrency: 1, http } as never),
    texts: (message: Message, written: Item["rendered"]) =>
      (slackContent(message, written).blocks as { text?: { type: string; text: string } }[]).flatMap(({ text }) =>
        text?.type === "mrkdwn" ? [text.text] : [],
      ),
  },
];

// However deep things lie in one another.
const commonMark = new MarkdownIt({ html: true, linkify: true }).set({ maxNesting: 1_000 } as never);

/** What is no code in a text, by the rules of those who read it. */
const OUTSIDE_CODE: Record<string, (text: string) => string> = {
  lines: (text) => [...commonMark.render(text).matchAll(/<a href="([^"]+)"/g)].map(([, url]) => url).join("\n"),
  margin: (text) => {
    let fence: string | null = null;
    const outside = text.split("\n").filter((line) => {
      if (fence !== null) {
        if (line.trimEnd() === fence) fence = null;
        return false;
      }
      fence = /^(`{3,}|~{3,}) *(?:\{?\.?[\w+,\-./#]+[^`~]*)?$/.exec(line)?.[1] ?? null;
      return fence === null;
    });
    return outside.join("\n");
  },
  anywhere: (text) => text.replace(/```\n*[^\n][\s\S]*?```/g, " "),
  throughout: (text) => text.replace(/```\n*[^\n][\s\S]*?```|(`+)([\s\S]*?[^`])\1(?!`)/g, " "),
};

const PARTS = [
  ...["```", "````", "``````", "~~~", "`", "``", "\n", "\n", "\n\n", " ", "   ", "    ", "\t", "- ", "10. ", "> ", "a"],
  ...[
    "# ",
    "<pre>",
    "<!--",
    "<a ",
    "[a]: ",
    "===",
    "---",
    "| a |\n|---|\n",
    "@a",
    "js",
    "(see) ",
    "code ".repeat(60),
    "- ".repeat(12),
  ],
];
const TEXT = fc.array(fc.constantFrom(...PARTS), { maxLength: 12 }).map((some) => some.join(""));

/** What was seen to take one in: for the line breaks of Teams, by what is disarmed, too deep to be read, cut into blocks of Slack, by other rules than CommonMark's. */
const SEEN = [
  "- a\nb\n  ```\ncode",
  `a${"\n".repeat(12_500)}\`\`\`\ncode`,
  "<pre>\n```\ncode",
  `${"- ".repeat(30)}a\n\`\`\`\ncode`,
  `\`\`\`\n${"a line of code\n".repeat(205)}\`\`\``,
  "```\ncode\n````",
  "``````\ncode",
  "a ```",
  "```(see)\na",
  "Ann`s contract",
];

function item(id: number, body: string): Item & { message: Message } {
  const links = testLinks("https://r.example.com", { tenant: "default", reminderId: id, at: 0 });
  const reminder = { id, subject: `Number ${id}`, message: "Please." };
  const message = { ...exampleMessage({ reminder }), links: { ...links, answer: `${links.answer}${id}z` } };
  return { message, rendered: { ...renderMessage(message), body: body.trim() } };
}

test.each(WAYS)("$name: no code in several messages takes in the link of one", ({ channel, texts }) => {
  const outside = OUTSIDE_CODE[channel.codeMarks as string] as (text: string) => string;
  fc.assert(
    fc.property(fc.array(TEXT, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 60 }), (bodies, times) => {
      const items = bodies.map((body, n) => item(n + 1, `${body}\n`.repeat(times)));
      const sent = items.slice(0, countThatFits(items, channel));
      const [{ message }] = sent as [(typeof items)[0]];
      const shown = texts({ ...message, isDigest: true }, writeDigest(sent, null, channel))
        .map(outside)
        .join("\n");
      for (const { message } of sent) expect(shown).toContain(message.links?.answer);
    }),
    { numRuns: 150, examples: SEEN.map((text) => [[text, text, "```\na\n```"], 1]) },
  );
});

test.each(WAYS.filter(({ name }) => name !== "teams" && name !== "slack"))(
  "$name: no code in a message takes in its links",
  ({ channel, texts }) => {
    const outside = OUTSIDE_CODE[channel.codeMarks as string] as (text: string) => string;
    fc.assert(
      fc.property(TEXT, fc.integer({ min: 1, max: 100 }), (body, times) => {
        const { message, rendered } = item(1, `${body}\n`.repeat(times));
        const shown = texts(message, rendered).map(outside).join("\n");
        const [first] = rendered.answers;
        expect(shown.includes(first?.url as string) || shown.includes(rendered.allAnswers?.url as string)).toBe(true);
      }),
      { numRuns: 150, examples: SEEN.map((text) => [text, 1]) },
    );
  },
);
