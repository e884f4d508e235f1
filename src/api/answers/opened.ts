import type { LinkPurpose, OwnPurpose } from "../../core/answer.ts";
import type { DeliveryKey } from "../../core/reminder.ts";
import { type AnswerLink, keyNumberOf, signAnswer, verifyAnswer } from "../../secrets/answer-token.ts";
import type { ReadLink } from "./keys.ts";

/** A link that somebody has opened, and what it may lead on to. */
export interface OpenedLink extends AnswerLink {
  /**
   * The token of another link, of the same delivery unless another one is named. It is good for as long after its occurrence, and signed with the
   * same key: who has a link of a key that is to end gets none that outlives it.
   */
  leadOn(purpose: LinkPurpose, delivery?: DeliveryKey): string;
}

/**
 * What may be missing at the end of a token: programs that make links of text take a dash or a low line there for a sign of the sentence,
 * and leave it out (Android's before the end of a line, Markdown's by GFM §6.9).
 */
const LEFT_OUT = ["", "-", "_"];

/** What the token of a link says; null where none of these keys has signed it. */
export const openLink: ReadLink<OpenedLink> = (token, keyOf) => {
  const link = LEFT_OUT.map((end) => verifyAnswer(token + end, keyOf)).find((one) => one !== null) ?? null;
  const key = keyOf(keyNumberOf(token) ?? Number.NaN);
  if (link === null || key === null) return null;
  const leadOn: OpenedLink["leadOn"] = (purpose, delivery = link) =>
    signAnswer({ ...ofDelivery(link, delivery), purpose }, key);
  return { ...link, leadOn };
};

/** The same, as if it were of another delivery that went along with its own: so is what it leads on to. */
export function towards(link: OpenedLink, delivery: DeliveryKey): OpenedLink {
  const { leadOn } = link;
  return { ...ofDelivery(link, delivery), leadOn: (purpose, other = delivery) => leadOn(purpose, other) };
}

function ofDelivery<Link extends AnswerLink>(link: Link, { reminderId, occurrenceAt, recipientNo }: DeliveryKey): Link {
  const expiresAt = occurrenceAt + link.expiresAt - link.occurrenceAt;
  return { ...link, reminderId, occurrenceAt, recipientNo, expiresAt };
}

/** Null for one that only leads on to others. */
export function asOwn<Link extends AnswerLink>(link: Link | null): (Link & AnswerLink<OwnPurpose>) | null {
  return link !== null && isOwn(link) ? link : null;
}

function isOwn<Link extends AnswerLink>(link: Link): link is Link & AnswerLink<OwnPurpose> {
  return link.purpose !== "answer" && link.purpose !== "digest";
}
