import type { OwnPurpose } from "../../core/answer.ts";
import type { Instant } from "../../core/instant.ts";
import type { Contact, ReminderRecord } from "../../core/reminder.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import type { GivenAnswer } from "../../store/answers.ts";

/** What somebody is asked who opens a link. */
export interface Asked {
  link: AnswerLink<OwnPurpose>;
  reminder: ReminderRecord;
  /** Where the message went. */
  channel: string;
  recipient: string | null;
  /** The message, as its provider knows it; null: it isn't known. */
  providerId: string | null;
  /** Who of several people got it; null: whoever has the address. */
  person: string | null;
  /** Who got it in that one's place; null: nobody else. */
  via: string | null;
  /** False for those whom it was escalated to. */
  isOwn: boolean;
  contact: Contact | null;
  /** In whose language it is asked: of whoever got the message, else the contact's; null: nobody knows. */
  locale: string | null;
  /** Whose clocks dates go by. */
  zone: string;
  /** What was answered by this link before; null: nothing. */
  former: GivenAnswer | null;
  /** True where that holds no more: it may be answered anew. See `isOverturned`. */
  isOverturned: boolean;
  /** Where what is pressed goes; not set: to the page itself. */
  formAt?: string;
  now: Instant;
}

/**
 * True where what was answered by this link before still stands. That it was put off does until then, unless somebody has said anything
 * else since: whoever presses the same once more after that means it.
 */
export function stillStands({ link, reminder, now }: Asked, { outcome, undoneAt }: GivenAnswer): boolean {
  if (undoneAt !== null) return false;
  if (link.purpose !== "snooze" && link.purpose !== "promise") return true;
  const { until } = outcome;
  return typeof until === "number" && until > now && reminder.silence?.until === until;
}
