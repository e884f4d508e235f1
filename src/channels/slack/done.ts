import { isDoneReason } from "../../core/done-reason.ts";
import { catalogFor, localeFor, say } from "../../templates/builtin/speak.ts";
import { styleOf } from "../../templates/context.ts";
import { humanise, writeEntity } from "../../templates/words.ts";
import type { DoneMessage } from "../channel.ts";
import { shorten } from "../shorten.ts";
import { inReadersZone, MAX_HEADER_CHARS, mrkdwn, type SlackContent } from "./blocks.ts";
import { escapeMrkdwn } from "./mrkdwn.ts";

/** What stands in the place of a message once it is done: a check mark, what it was about and what has ended it; no buttons. */
export function doneContent({ reminder, contact, tenantZone }: Omit<DoneMessage, "providerId">): SlackContent {
  const style = styleOf({
    ...{ reminder, contact, tenantZone, recipient: null },
    ...{ occurrenceAt: 0, occurrenceNumber: 1, nextRunAt: null },
  });
  const locale = localeFor(style.locale);
  const words = catalogFor(locale);
  const event = humanise(reminder.eventType);
  const about = writeEntity(reminder);
  const title = shorten(`✅ ${say(words.told.subject, locale, { event, about })}`, MAX_HEADER_CHARS);
  const { completionReason, completedAt } = reminder;
  const because = isDoneReason(completionReason) ? [words.doneBecause[completionReason]] : [];
  const at = completedAt === null ? [] : [inReadersZone(completedAt)];
  const told = [...because, ...at].join("  ·  ");
  return {
    text: escapeMrkdwn(title),
    blocks: [
      { type: "header", text: { type: "plain_text", text: title, emoji: false } },
      ...(told === "" ? [] : [{ type: "context", elements: [mrkdwn(told)] }]),
    ],
  };
}
