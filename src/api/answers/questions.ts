import type { Channels } from "../../channels/registry.ts";
import { doneMeans } from "../../core/answer.ts";
import type { Instant } from "../../core/instant.ts";
import { MS_PER_DAY, weekdayOf } from "../../core/schedule/calendar.ts";
import { silenceEnd } from "../../core/silence.ts";
import { dayAt, LONGEST_SILENCE_MS, nameOfDay } from "../../core/until.ts";
import { html, join, type Markup } from "../../templates/html.ts";
import { chooseLocale, writeDay, writeInstant } from "../../templates/words.ts";
import type { Asked } from "./asked.ts";
import { aboutOf, type PageContent } from "./page.ts";
import { KNOWING } from "./wish.ts";
import type { Words } from "./words/words.ts";

/** The questions that pages ask, a form each. */

const FRIDAY = 5;

export function button(name: string, value: string, label: string, kind: "main" | "plain" | "small" = "plain"): Markup {
  return html`<button type="submit" name="${name}" value="${value}" class="${kind}">${label}</button>\n`;
}

export function form(...parts: Markup[]): Markup {
  return formTo(null, ...parts);
}

/** `at` null: to the page itself. */
function formTo(at: string | null, ...parts: Markup[]): Markup {
  const action = at === null ? html`` : html` action="${at}"`;
  return html`<form method="post"${action}>\n${join(parts)}</form>\n`;
}

export function paragraph(text: string, kind = ""): Markup {
  return html`<p class="${kind}">${text}</p>\n`;
}

/** In the reader's language, by the reminder's person's clocks. */
export function sayInstant(at: Instant, asked: Pick<Asked, "zone" | "locale">, words: Words): string {
  return writeInstant(at, styleOf(asked, words));
}

/** As they write dates where the reader is, if the page is in their language. */
function styleOf({ zone, locale }: Pick<Asked, "zone" | "locale">, { language }: Words) {
  const isTheirs = locale?.toLowerCase().split(/[-_]/, 1)[0] === language;
  return { timeZone: zone, locale: chooseLocale(isTheirs ? locale : language) };
}

/** One of several puts it off for all of them. */
function forAll({ reminder: { people } }: Asked, words: Words): Markup[] {
  return (people.recipients?.length ?? 1) > 1 ? [paragraph(words.forAll, "hint")] : [];
}

/** A form that says whether its reader has been told that what they had answered before holds no more. */
function formFor({ isOverturned, formAt }: Asked, ...parts: Markup[]): Markup {
  const [name, value] = KNOWING;
  const knowing = isOverturned ? [html`<input type="hidden" name="${name}" value="${value}">\n`] : [];
  return formTo(formAt ?? null, ...knowing, ...parts);
}

/** What is asked by a link of this purpose, without the page around it. */
export function question(asked: Asked, words: Words, channels: Channels): Pick<PageContent, "title" | "parts"> {
  switch (asked.link.purpose) {
    case "done": {
      const { ask, hint, press } = words.done;
      return { title: ask, parts: [paragraph(hint, "hint"), formFor(asked, button("choice", "done", press, "main"))] };
    }
    case "snooze": {
      const { ask, hint, day, week, date, press } = words.snooze;
      const spans = form(
        html`<div class="row">\n${join([button("choice", "1d", day, "main"), button("choice", "1w", week)])}</div>\n`,
      );
      const days = form(dateField(asked, date, 1, 3), button("choice", "date", press));
      return { title: ask, parts: [paragraph(hint, "hint"), ...forAll(asked, words), spans, days] };
    }
    case "promise": {
      const { ask, hint, today, tomorrow, date, press } = words.promise;
      const now = dayAt(asked.now, asked.zone);
      const named = html`<div class="row">\n${join([
        button("choice", nameOfDay(now), today, "main"),
        button("choice", nameOfDay(now + 1), tomorrow),
      ])}</div>\n`;
      const days = form(dateField(asked, date, 0, untilFriday(weekdayOf(now))), button("choice", "date", press));
      return { title: ask, parts: [paragraph(hint, "hint"), ...forAll(asked, words), form(named), days] };
    }
    case "not_me":
      return notMe(asked, words, channels);
    case "stop": {
      const { ask, hint, devices, reminder, kind } = words.stop;
      const { recipient, channel } = asked;
      if (recipient === null) return { title: ask, parts: [paragraph(words.wrong.shared, "hint")] };
      const what = aboutOf(asked.reminder).title;
      const buttons = [button("choice", "reminder", reminder, "main"), button("choice", "event_type", kind(what))];
      const parts = [
        paragraph(hint(channels.get(channel)?.reachesDevices ? devices : recipient), "hint"),
        ...buttons.map((one) => formFor(asked, one)),
      ];
      return { title: ask, parts };
    }
    case "why":
      return why(asked, words);
  }
}

/** Days until the Friday that isn't today or tomorrow, for which there are buttons. */
function untilFriday(weekday: number): number {
  const days = (FRIDAY - weekday + 7) % 7;
  return days < 2 ? days + 7 : days;
}

function notMe(asked: Asked, words: Words, channels: Channels): Pick<PageContent, "title" | "parts"> {
  const { ask, hint, press, other, otherHint, pressOther } = words.notMe;
  const parts = [paragraph(hint, "hint"), formFor(asked, button("choice", "not_me", press, "main"))];
  // The reminder's own: the message may have gone over another.
  const channel = channels.get(asked.reminder.channel);
  if (asked.reminder.allowsReassign && !channel?.reachesDevices) {
    const type = channel?.addressType ?? "text";
    parts.push(
      formFor(
        asked,
        html`<label for="to">${other}</label>\n<p class="hint">${otherHint}</p>\n`,
        html`<input id="to" name="to" type="${type}" maxlength="500" autocomplete="off" required>\n`,
        button("choice", "to", pressOther),
      ),
    );
  }
  return { title: ask, parts };
}

function why(asked: Asked, words: Words): Pick<PageContent, "title" | "parts"> {
  const { reminder, now } = asked;
  const { why } = words;
  const silent = silenceEnd(reminder.silence, now);
  const style = styleOf(asked, words);
  const isOneOf = (reminder.people.recipients?.length ?? 1) > 1;
  const because = !asked.isOwn ? why.becauseToo : isOneOf ? why.becauseOneOf : why.because;
  const lines = [
    because(aboutOf(reminder).entity),
    why.since(writeDay(reminder.createdAt, style)),
    ...(reminder.occurrenceCount > 0 ? [why.times(reminder.occurrenceCount)] : []),
    reminder.status === "PAUSED"
      ? why.isPaused
      : silent !== null
        ? why.silent(sayInstant(silent, asked, words))
        : reminder.nextRunAt === null
          ? reminder.status === "COMPLETED" && !endedByItself(reminder.completionReason)
            ? why.isDone
            : why.noNext
          : why.next(sayInstant(reminder.nextRunAt, asked, words)),
    ...(reminder.status === "ACTIVE" && (reminder.stopCondition !== null || doneMeans(reminder) === "complete")
      ? [why.stops]
      : []),
  ];
  return {
    title: why.title,
    parts: [html`<ul>\n${join(lines.map((line) => html`<li dir="auto">${line}</li>\n`))}</ul>\n`],
  };
}

function endedByItself(reason: Asked["reminder"]["completionReason"]): boolean {
  return reason === "one_time_sent" || reason === "schedule_ended" || reason === "max_occurrences";
}

/** A day to choose: from `first` to `preset` days ahead; and as far as one may put it off. */
function dateField({ now, zone }: Asked, label: string, first: number, preset: number): Markup {
  const today = dayAt(now, zone);
  const last = today + Math.floor(LONGEST_SILENCE_MS / MS_PER_DAY) - 2;
  return html`<label for="date">${label}</label>
<input id="date" name="date" type="date" min="${nameOfDay(today + first)}" max="${nameOfDay(last)}" value="${nameOfDay(today + preset)}" required>
`;
}
