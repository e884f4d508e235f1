import type { OwnPurpose, Purpose } from "../../core/answer.ts";
import { catalogFor } from "../../templates/builtin/speak.ts";
import { styleOf } from "../../templates/context.ts";
import type { Message } from "../channel.ts";

/** Which choice of which answer, as the pages behind links have them. */
interface Offered {
  purpose: OwnPurpose;
  choice: string;
}

const OFFERED: readonly Offered[] = [
  { purpose: "done", choice: "done" },
  { purpose: "snooze", choice: "1d" },
  { purpose: "snooze", choice: "1w" },
  { purpose: "not_me", choice: "not_me" },
];

/** What needs no link where there are buttons. */
export const PRESSED: ReadonlySet<Purpose> = new Set(OFFERED.map(({ purpose }) => purpose));

/** Names ours among what else an app may have of buttons. */
const ACTION = /^answer:([a-z0-9_]{1,20})$/;

/**
 * The buttons of a message, in its reader's language; none where there is nothing to be answered.
 * https://docs.slack.dev/reference/block-kit/block-elements/button-element
 */
export function buttonBlocks(message: Message): object[] {
  const { buttons } = message;
  if (!buttons || message.addressed?.tells) return [];
  const words = catalogFor(styleOf(message).locale);
  const labels: Readonly<Record<string, string>> = {
    done: words.answers.done,
    "1d": words.buttons.day,
    "1w": words.buttons.week,
    not_me: words.answers.not_me,
  };
  const elements = OFFERED.map(({ purpose, choice }) => ({
    type: "button",
    action_id: `answer:${choice}`,
    value: buttons[purpose],
    text: { type: "plain_text", text: labels[choice], emoji: false },
    ...(purpose === "done" ? { style: "primary" } : {}),
  }));
  return [{ type: "actions", elements }];
}

/** Which choice the button of this `action_id` gives; null: it is none of ours. */
export function choiceOf(actionId: string): string | null {
  return ACTION.exec(actionId)?.[1] ?? null;
}
