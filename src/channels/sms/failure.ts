import type { Answer, Failure } from "../../outgoing/outcome.ts";
import { retryAfterMs } from "../../outgoing/retry-after.ts";
import { BadAddress, NotYet, OutcomeUnknown, Permanent, Retryable } from "../channel.ts";
import { noAnswer } from "../no-answer.ts";

// Twilio's errors: https://www.twilio.com/docs/api/errors

const LONGEST_WAIT_MS = 3_600_000;
const USUAL_WAIT_MS = 30_000;
/** A number may be given to somebody else. */
const INVALID_DAYS = 180;

type Trouble = NotYet | OutcomeUnknown | Permanent | Retryable;

/** What a person has to do, by the code. */
const TO_DO: Readonly<Record<number, string>> = {
  20003: "check the account SID and the auth token",
  20008: "these are test credentials: set those of the account itself",
  21212: "check what messages come from: it is no number of the account",
  21408: "allow messages to that country in the account's settings",
  21602: "the reminder's message is empty",
  21606: "check what messages come from: that number can't send them",
  21608: "a trial account sends to numbers alone that were verified: verify it, or upgrade the account",
  21609: "Twilio can't tell what becomes of messages at this PUBLIC_URL: set one that it can reach, or leave it out",
  21612: "that number can't be reached from the one that messages come from: set another one, or a messaging service",
  21617: "shorten the reminder's message",
  21619: "the reminder's message is empty",
  21659: "check what messages come from: it is no number of Twilio's",
  21660: "check what messages come from: it is no number of the account",
  21703: "the messaging service has no number to send from: add one",
  30034: "register the number for messages to the United States (A2P 10DLC)",
  63038: "the account has sent as many messages as it may in a day",
};
/** There is no such phone, or none that gets messages: the next one fails as well. */
const NO_PHONE: ReadonlySet<number> = new Set([21211, 21214, 21217, 21614, 21635, 30005, 30006]);
/** Whoever has the phone wants nothing more. */
const STOPPED = 21610;
/** Too many at once, or an overflow there. */
const LATER: ReadonlySet<number> = new Set([20429, 21611, 30001, 30022]);

/** What an error of Twilio's means, asked to send or told afterwards. Of its words none are told: codes are enough to look up. */
export function refusalOf(code: number, sentence: string): Trouble {
  if (code === STOPPED) {
    const words = `${sentence}: whoever has that phone has said STOP: nothing is sent there until they say START, or the suppression is released`;
    return new BadAddress(words, { reason: "stop", days: null });
  }
  if (NO_PHONE.has(code)) {
    return new BadAddress(`${sentence}: no phone gets messages under that number`, {
      reason: "invalid",
      days: INVALID_DAYS,
    });
  }
  if (LATER.has(code))
    return new NotYet(`waits for its turn: Twilio takes no more messages at the moment`, USUAL_WAIT_MS);
  const toDo = TO_DO[code];
  return new Permanent(toDo === undefined ? sentence : `${sentence}: ${toDo}`);
}

/** What became of a request that Twilio didn't answer with 201. */
export function failureOf(outcome: Answer | Failure, code: number | null): Trouble {
  if (!outcome.ok) return noAnswer(outcome, { title: "Twilio" });
  const { status } = outcome;
  const sentence = `Twilio answered with status ${status}${code === null ? "" : ` (error ${code})`}`;
  if (status === 429) {
    const waitMs = Math.min(LONGEST_WAIT_MS, retryAfterMs(outcome) || USUAL_WAIT_MS);
    return new NotYet("waits for its turn: Twilio takes no more messages at the moment", waitMs);
  }
  if (status >= 400 && status < 500) {
    if (code !== null) return refusalOf(code, sentence);
    return status === 401 || status === 403 ? refusalOf(20003, sentence) : new Permanent(sentence);
  }
  if (status === 503) return new Retryable(sentence, retryAfterMs(outcome));
  return new OutcomeUnknown(`${sentence}: whether it took the message is unknown`);
}
