import type { Channels } from "../../channels/registry.ts";
import { doneMeans, type OwnPurpose } from "../../core/answer.ts";
import type { JsonObject } from "../../core/json.ts";
import { hasOnlyEnded } from "../../core/only-ended.ts";
import type { GivenAnswer } from "../../store/answers.ts";
import type { Markup } from "../../templates/html.ts";
import { type Asked, stillStands } from "./asked.ts";
import { aboutOf, type PageContent, writePage } from "./page.ts";
import { button, form, paragraph, question, sayInstant } from "./questions.ts";
import type { Over } from "./read-asked.ts";
import type { Taken } from "./take.ts";
import type { Words } from "./words/words.ts";

/** What a page says beneath what it is about. */
export type Result = Pick<PageContent, "title" | "isResult" | "parts">;

/** A page and the status that it is answered with. */
export interface Shown {
  status: number;
  page: string;
}

/** What a link shows before anything is pressed: its question, or what was answered before. */
export function showAsked(asked: Asked, words: Words, channels: Channels): Shown {
  return shown(200, asked, words, askedNow(asked, words, channels));
}

/** The same without the page around it. */
export function askedNow(asked: Asked, words: Words, channels: Channels): Result {
  const { former, reminder, link } = asked;
  if (asked.isOverturned) return askedAnew(asked, words, channels);
  if (former !== null && stillStands(asked, former)) return answered(asked, former, words, true);
  if (isPastIt(link.purpose, reminder)) return { title: words.refused.done, isResult: true, parts: [close(words)] };
  return question(asked, words, channels);
}

/** Who opens the link of a message that has done its work needs no question to which there is no answer any more. */
function isPastIt(purpose: OwnPurpose, reminder: Asked["reminder"]): boolean {
  const needsOpen = purpose !== "why" && purpose !== "stop";
  return needsOpen && reminder.status === "COMPLETED" && !hasOnlyEnded(reminder);
}

/** What has become of what was pressed. */
export function showTaken(taken: Taken, words: Words, channels: Channels): Shown {
  switch (taken.kind) {
    case "over":
      return showOver(taken.over, words);
    case "answered": {
      const { asked, given } = taken;
      const isSaid = given !== null;
      if (isSaid) return shown(200, asked, words, answered(asked, given, words, false));
      return shown(200, asked, words, { title: words.done.was, isResult: true, parts: [close(words)] });
    }
    case "overturned":
      return shown(409, taken.asked, words, askedAnew(taken.asked, words, channels));
    case "undone": {
      const { nextRunAt, status } = taken.asked.reminder;
      const isDue = nextRunAt !== null && status === "ACTIVE" && taken.asked.link.purpose !== "stop";
      const next = isDue ? [paragraph(words.undoneNext(sayInstant(nextRunAt, taken.asked, words)))] : [];
      if (taken.isNotTheirs) next.push(paragraph(words.notMe.still));
      return shown(200, taken.asked, words, { title: words.undone, isResult: true, parts: [...next, close(words)] });
    }
    case "wrong": {
      const { asked, why } = taken;
      if (why === "purpose" || why === "shared") {
        const status = why === "purpose" ? 400 : 422;
        return shown(status, asked, words, { title: words.wrong[why], isResult: true, parts: [] });
      }
      const { title, parts } = question(asked, words, channels);
      return shown(422, asked, words, { title, parts: [paragraph(words.wrong[why], "wrong"), ...parts] });
    }
    case "refused":
      return shown(taken.why === "busy" ? 503 : 409, taken.asked, words, {
        title: words.refused[taken.why],
        isResult: true,
        parts: [close(words)],
      });
  }
}

const OVER_STATUS: Record<Over | "forged", number> = { expired: 410, gone: 410, forged: 404 };

/** That there is nothing to be asked, without a word of what it was about. */
export function showOver(over: Over | "forged", words: Words): Shown {
  return showNotice(OVER_STATUS[over], words.over[over], words);
}

export function showNotice(status: number, [title, text]: readonly [string, string], words: Words): Shown {
  return { status, page: writePage({ words, about: null, title, parts: [paragraph(text)] }) };
}

/** To who sends something to a link that only leads on: nothing is taken there. */
export function showLeadsOn(words: Words): Shown {
  return {
    status: 405,
    page: writePage({ words, about: null, title: words.wrong.purpose, isResult: true, parts: [] }),
  };
}

/** What has become of what was pressed, in a sentence, for where there is no page. */
export function sayTaken(taken: Exclude<Taken, { kind: "over" }>, words: Words): string {
  switch (taken.kind) {
    case "answered":
      return taken.given === null ? words.done.was : saidOf(taken.asked, taken.given.outcome, words);
    case "overturned":
      return sayOverturned(taken.asked, words);
    case "undone":
      return words.undone;
    case "wrong":
      return words.wrong[taken.why];
    case "refused":
      return words.refused[taken.why];
  }
}

/** The same where there is nothing to be pressed any more. */
export function sayOver(over: Over | "forged", words: Words): string {
  return words.slack.over[over];
}

/** The question once more, and that what was answered before holds no more. */
function askedAnew(asked: Asked, words: Words, channels: Channels): Result {
  const { title, parts } = question(asked, words, channels);
  return { title, parts: [paragraph(sayOverturned(asked, words), "wrong"), ...parts] };
}

function sayOverturned({ link: { purpose } }: Asked, { overturned }: Words): string {
  return purpose === "not_me" || purpose === "stop" ? overturned[purpose] : overturned.done;
}

function answered(asked: Asked, given: GivenAnswer, words: Words, isEarlier: boolean): Result {
  const { purpose } = asked.link;
  const parts: Markup[] = isEarlier ? [paragraph(words.earlier, "hint")] : [];
  if (CAN_BE_UNDONE.has(purpose) && stillStands(asked, given))
    parts.push(form(button("undo", "yes", words.undo, "small")));
  return { title: saidOf(asked, given.outcome, words), isResult: true, parts: [...parts, close(words)] };
}

const CAN_BE_UNDONE: ReadonlySet<OwnPurpose> = new Set(["snooze", "promise", "stop"]);

/** What was answered before, in a sentence. */
export function sayBefore(asked: Asked, words: Words): string {
  return asked.former === null ? "" : saidOf(asked, asked.former.outcome, words);
}

function saidOf(asked: Asked, outcome: JsonObject, words: Words): string {
  const { until, to, was_so: wasSo, goes_on: goesOn } = outcome;
  const at = typeof until === "number" ? sayInstant(until, asked, words) : "";
  switch (asked.link.purpose) {
    case "done":
      return wasSo === true && doneMeans(asked.reminder) === "complete" ? words.done.was : words.done.said;
    case "snooze":
      return words.snooze.said(at);
    case "promise":
      return words.promise.said(at);
    case "not_me":
      if (goesOn === "as before") return words.notMe.saidToGroup;
      return typeof to === "string" && goesOn === undefined ? words.notMe.saidOther(to) : words.notMe.said;
    case "stop":
      return outcome.scope === "reminder"
        ? words.stop.saidReminder
        : words.stop.saidKind(aboutOf(asked.reminder).title);
    case "why":
      return words.why.title;
  }
}

function close(words: Words): Markup {
  return paragraph(words.close, "close");
}

export function shown(status: number, { reminder }: Pick<Asked, "reminder">, words: Words, content: Result): Shown {
  return { status, page: writePage({ words, about: aboutOf(reminder), ...content }) };
}
