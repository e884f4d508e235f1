import { expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import type { GuardedHttp } from "../outgoing/guarded-http.ts";
import { testLinks } from "../secrets/test-link.ts";
import { countThatFits, type Item, writeDigest } from "../templates/digest.ts";
import { type Rendered, renderMessage } from "../templates/render.ts";
import type { Channel, Message } from "./channel.ts";
import { createServiceChannel, shownBody } from "./services/channel.ts";
import { SERVICES } from "./services/list.ts";
import { slackContent } from "./slack/blocks.ts";
import { createSlackChannel } from "./slack/slack.ts";
import { createSmsChannel } from "./sms/sms.ts";
import { smsText } from "./sms/words.ts";

interface Way {
  name: string;
  channel: Channel;
  /** All that it sends of a digest. */
  shows(message: Message, written: Rendered): string;
}

// Nothing is sent.
const http = null as unknown as GuardedHttp;
const none = { ...{ account: null, apiUrl: "http://127.0.0.1", publicUrl: null }, concurrency: 1, http };
const WAYS: Way[] = [
  { name: "sms", channel: createSmsChannel(none), shows: (_, written) => smsText(written) },
  {
    name: "slack",
    channel: createSlackChannel(none),
    shows: (message, written) => JSON.stringify(slackContent(message, written).blocks),
  },
  ...SERVICES.filter(({ isForPrograms }) => !isForPrograms).map((service) => ({
    name: service.name,
    channel: createServiceChannel(service, { access: null, http }),
    shows: (message: Message, written: Rendered) => JSON.stringify(shownBody(service, message, written)),
  })),
];

/** What each channel writes with more characters than it has: spelt out, escaped, or taken apart. */
const GROWING = { "an ellipsis": "… ", names: "@a ", angles: "<a&>", brackets: "[a](b)", lines: "a\nb " };

function item(id: number, said: string): Item & { message: Message } {
  const links = testLinks("https://reminders.example.com", { tenant: "default", reminderId: id, at: 0 });
  const reminder = { id, subject: `Number ${id}`, message: "Please." };
  const message = { ...exampleMessage({ reminder }), links: { ...links, answer: `${links.answer}${id}z` } };
  return { message, rendered: { ...renderMessage(message), body: said } };
}

const CASES = WAYS.flatMap((way) => Object.entries(GROWING).map(([what, text]) => ({ ...way, what, text })));

test.each(CASES)("$name with many of $what cuts no link of what goes as one message", ({ channel, shows, text }) => {
  for (const times of [20, 60, 5_000]) {
    const items = Array.from({ length: 50 }, (_, n) => item(n + 1, text.repeat(times)));
    const sent = items.slice(0, countThatFits(items, channel));
    const [{ message }] = sent as [(typeof items)[0]];
    const shown = shows({ ...message, isDigest: true }, writeDigest(sent, null, channel));
    for (const { message } of sent) expect(shown).toContain(message.links?.answer);
    // Room that is left is used, all but what one more would have taken.
    if (times === 20) expect(sent.length).toBeGreaterThan(1);
  }
});
