import { InvalidRecipient } from "../../channels/channel.ts";
import type { Channels } from "../../channels/registry.ts";
import { addressFor } from "../../channels/ways.ts";
import type { Answer } from "../../core/answer.ts";
import { silentUntil } from "../../core/until.ts";
import type { Asked } from "./asked.ts";

/** What somebody wants who has pressed a button: its fields, as the browser or the mail program sends them. */
export type Form = ReadonlyMap<string, string>;

/** What is wanted; or what is wrong with it. */
export type Wish =
  /**
   * `isKnowing`: whoever pressed has been told that what they had answered before holds no more, or needn't be told. `reachedAt`: where the
   * reminder's contact is reached by now; not set: that isn't known.
   */
  | { kind: "answer"; answer: Answer; choice: string; isKnowing?: boolean; reachedAt?: string | null }
  | { kind: "undo" }
  | { kind: "wrong"; why: "choice" | "date" | "address" | "purpose" | "shared" };

const ONE_CLICK: [name: string, value: string] = ["List-Unsubscribe", "One-Click"];
/** What "these" are to somebody who unsubscribes in a mail program: all of the kind. */
const ONE_CLICK_SCOPE = "event_type";
const LONGEST_ADDRESS = 500;

/** True for a mail program that unsubscribes without showing a page (RFC 8058). */
export function isOneClick(form: Form): boolean {
  return form.get(ONE_CLICK[0]) === ONE_CLICK[1];
}

/** Stands in forms that are shown where what was answered before holds no more. */
export const KNOWING: [name: string, value: string] = ["again", "yes"];

/** What a form means, for what the link is about. */
export function readWish(form: Form, asked: Asked, channels: Channels): Wish {
  const wish = wishOf(form, asked, channels);
  const isKnowing = isOneClick(form) || form.get(KNOWING[0]) === KNOWING[1];
  return wish.kind === "answer" && isKnowing ? { ...wish, isKnowing } : wish;
}

function wishOf(form: Form, asked: Asked, channels: Channels): Wish {
  const { purpose } = asked.link;
  if (isOneClick(form)) return purpose === "stop" ? stop(asked, ONE_CLICK_SCOPE) : { kind: "wrong", why: "purpose" };
  if (form.get("undo") === "yes") return { kind: "undo" };
  switch (purpose) {
    case "done":
      if (form.get("choice") !== "done") return { kind: "wrong", why: "choice" };
      return { kind: "answer", answer: { kind: "done" }, choice: "done" };
    case "snooze":
    case "promise":
      return later(form, asked, purpose);
    case "not_me":
      return notMe(form, asked, channels);
    case "stop":
      return stop(asked, form.get("choice") ?? "");
    case "why":
      return { kind: "wrong", why: "purpose" };
  }
}

function later(form: Form, { now, zone }: Asked, kind: "snooze" | "promise"): Wish {
  const choice = form.get("choice") ?? "";
  const wanted = choice === "date" ? (form.get("date") ?? "").trim() : choice;
  const until = silentUntil(wanted, { now, zone, isPromise: kind === "promise" });
  if (typeof until === "number") return { kind: "answer", answer: { kind, until }, choice: wanted };
  return { kind: "wrong", why: choice === "date" ? "date" : "choice" };
}

function notMe(form: Form, { reminder, contact }: Asked, channels: Channels): Wish {
  const choice = form.get("choice");
  const at = channels.get(reminder.channel);
  const reached = at && contact ? { reachedAt: addressFor(at, contact) } : {};
  if (choice === "not_me") return { kind: "answer", answer: { kind: "not_me", to: null }, choice, ...reached };
  if (choice !== "to" || at?.reachesDevices) return { kind: "wrong", why: "choice" };
  const text = (form.get("to") ?? "").trim();
  if (!at || text === "" || text.length > LONGEST_ADDRESS) return { kind: "wrong", why: "address" };
  try {
    const to = at.parseRecipient(text);
    return { kind: "answer", answer: { kind: "not_me", to }, choice: `to ${to}`, ...reached };
  } catch (error) {
    if (!(error instanceof InvalidRecipient)) throw error;
    return { kind: "wrong", why: "address" };
  }
}

function stop({ recipient }: Asked, choice: string): Wish {
  // What went to nobody's own address was printed, or stands in a channel: there is nobody to be left alone.
  if (recipient === null) return { kind: "wrong", why: "shared" };
  if (choice !== "reminder" && choice !== "event_type") return { kind: "wrong", why: "choice" };
  return { kind: "answer", answer: { kind: "stop", address: recipient, scope: choice }, choice };
}
