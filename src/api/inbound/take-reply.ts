import type { FastifyBaseLogger } from "fastify";
import { bounded } from "../../channels/email/failure.ts";
import { inWords, type ReceivedMail } from "../../channels/email/received/received.ts";
import { readReplyAddress, readReturnPath } from "../../channels/email/return-path.ts";
import type { OwnPurpose } from "../../core/answer.ts";
import { type DeliveryKey, deliveryId, type MessageKey } from "../../core/reminder.ts";
import { ownWords, type Reply, readReply } from "../../core/reply.ts";
import { MS_PER_DAY } from "../../core/schedule/calendar.ts";
import { dayAt, silentUntil } from "../../core/until.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import { type EventName, takeEvent } from "../../store/inbound-events.ts";
import { ownersOf } from "../../store/inbound-sources.ts";
import { deliveriesIn } from "../../store/message-feedback.ts";
import type { ApiDatabase, TenantSql } from "../../store/tenant-database.ts";
import { hideBearers } from "../../telemetry/bearers.ts";
import { HIDDEN } from "../../telemetry/hide.ts";
import type { Asked } from "../answers/asked.ts";
import { type Taken, takeAnswer, tellOperator } from "../answers/take.ts";
import type { Wish } from "../answers/wish.ts";
import { Problem } from "../problem.ts";
import { TenantTurns } from "../tenant-turns.ts";
import { digestOf } from "./provider.ts";

export interface ReplyOptions {
  database: Pick<ApiDatabase, "forTenant">;
  /** What addresses of ours are signed with; null: nothing is a reply. */
  secret: string | null;
  /** How long a message may be answered, counted from its occurrence or, where it left later, from then. */
  answerDays: number;
  log: FastifyBaseLogger;
}

/** A mail that somebody has handed in. */
export interface HandedIn {
  /** For whom. */
  tenant: string;
  /** What it is known by where it has no `Message-ID`. */
  id: string;
  mail: ReceivedMail;
}

/** For the audit: by which message something was answered, and what; `reply` is what no link is for. */
export type Answered = { delivery: string; answer: string };

/** What an answer in words is as one by a link: for the others there is none. */
const PURPOSES = {
  done: "done",
  snooze: "snooze",
  promise: "promise",
  not_me: "not_me",
  stop: "stop",
  out_of_office: "why",
  said: "why",
} satisfies Record<Reply["kind"] | "said", OwnPurpose>;

/** Characters that a person is shown, and that the timeline keeps. */
const LONGEST_QUOTE = 300;
const LONGEST_REPLY = 4_000;

/** Mails whose HTML is read at once: one of each tenant, so that nobody waits for what is made to take long. */
const oneOfEach = new TenantTurns(1);
const someOfAll = new TenantTurns(2);

/** What "stop" means to somebody who writes it: as in a mail program, all of the kind. */
const STOP_SCOPE = "event_type";

/**
 * Does what a mail says that was sent to an address of ours, as a press of the message's links would. What can't be read or done
 * asks for a person; a mail program's answer only says that its owner is away, and of a digest for all that went in it. Null where it is no answer, or was taken before.
 * Throws 503 where it can't be taken now.
 */
export async function takeReply(
  options: ReplyOptions,
  { tenant, id, mail: received }: HandedIn,
): Promise<Answered | null> {
  const { database, secret } = options;
  const meant = secret === null ? null : meantBy(received.recipients, secret);
  if (meant === null) return null;
  const { message, isReturned } = meant;
  const owner = (await ownersOf(database.forTenant(tenant), [message.reminderId])).get(message.reminderId);
  if (owner === undefined) return null;
  const mail = await oneOfEach.take(owner, () => someOfAll.take("", () => inWords(received)));
  // Which day it is for whoever wrote it is only known with the reminder; what it is about doesn't depend on that.
  const reply = readReply(mail, dayAt(message.occurrenceAt, "UTC"));
  if (isReturned && reply?.kind !== "out_of_office") return null;
  let answered: Answered | null = null;
  for (const delivery of await deliveriesIn(database.forTenant(owner), "email", message)) {
    const one = await takeFor(options, { tenant: owner, id, mail }, delivery, reply);
    answered ??= one;
  }
  return answered;
}

/** Does it for one of the deliveries that the mail is about. */
async function takeFor(
  { database, answerDays, log }: ReplyOptions,
  { tenant, id, mail }: HandedIn,
  delivery: DeliveryKey,
  reply: Reply | null,
): Promise<Answered | null> {
  // What a program quotes without saying so may hold the message's links: who may read what was said may not answer.
  const said = hideBearers(ownWords(mail.text) || mail.subject || "a mail without words", HIDDEN);
  const words = bounded(said, LONGEST_QUOTE);
  const by = `reply to ${deliveryId(delivery)}`;
  const told = { by, from: mail.from && bounded(mail.from, LONGEST_QUOTE), reply: bounded(said, LONGEST_REPLY) };
  const event = { origin: "reply", id: digestOf(deliveryId(delivery), " ", mail.messageId ?? id) };
  const expiresAt = delivery.occurrenceAt + answerDays * MS_PER_DAY;
  const take = async (kind: keyof typeof PURPOSES, wishOf: (asked: Asked) => Wish): Promise<Taken | null> => {
    const link: AnswerLink<OwnPurpose> = { ...delivery, tenant, purpose: PURPOSES[kind], expiresAt };
    const details = link.purpose === "why" ? { ...told, answer: "reply" } : told;
    return await unlessUndone(
      takeAnswer(database.forTenant(tenant), link, wishOf, keepIfDone(event), { details, isInWords: true }),
    );
  };
  const toPerson = () => take("said", () => ({ kind: "answer", answer: { kind: "said", words }, choice: words }));

  let taken = reply === null ? await toPerson() : await take(reply.kind, (asked) => wishOf(mail, asked));
  if (taken !== null && isForPerson(taken)) taken = await toPerson();
  if (taken?.kind === "refused" && taken.why === "busy")
    throw new Problem(503, "the reminder is being worked on; try again", { headers: { "retry-after": "2" } });
  if (taken === null || taken.kind !== "answered") return null;
  tellOperator(log, taken);
  return {
    delivery: deliveryId(delivery),
    answer: taken.asked.link.purpose === "why" ? "reply" : taken.asked.link.purpose,
  };
}

/** What it says can't be done, and won't by itself. */
function isForPerson(taken: Taken): boolean {
  return taken.kind === "wrong" || (taken.kind === "refused" && taken.why !== "busy");
}

/** Nothing was done, and nothing is kept: it may be tried in another way. Null: it was taken before. */
class Undone extends Error {
  readonly taken: Taken | null;
  constructor(taken: Taken | null) {
    super();
    this.taken = taken;
  }
}

function keepIfDone(event: EventName): (sql: TenantSql, taken: Taken) => Promise<void> {
  return async (sql, taken) => {
    if ((await takeEvent(sql, event)) !== null) throw new Undone(null);
    if (taken.kind !== "answered") throw new Undone(taken);
  };
}

async function unlessUndone(taking: Promise<Taken>): Promise<Taken | null> {
  try {
    return await taking;
  } catch (error) {
    if (error instanceof Undone) return error.taken;
    throw error;
  }
}

/** The message that one of these addresses was made for. Programs answer to where mail comes back to. */
function meantBy(recipients: readonly string[], secret: string): { message: MessageKey; isReturned: boolean } | null {
  for (const address of recipients) {
    const replied = readReplyAddress(address, secret);
    if (replied) return { message: replied, isReturned: false };
    const returned = readReturnPath(address, secret);
    if (returned) return { message: returned, isReturned: true };
  }
  return null;
}

/** What is wanted by whoever wrote it, on the day that it is by their clocks. */
function wishOf(mail: ReceivedMail, asked: Asked): Wish {
  const reply = readReply(mail, dayAt(asked.now, asked.zone));
  switch (reply?.kind) {
    case undefined:
      return { kind: "wrong", why: "date" };
    case "done":
      return { kind: "answer", answer: { kind: "done" }, choice: "done" };
    case "snooze":
    case "promise": {
      const until = untilOf(reply.wanted, asked, reply.kind === "promise");
      if (until === null) return { kind: "wrong", why: "date" };
      return { kind: "answer", answer: { kind: reply.kind, until }, choice: reply.wanted };
    }
    case "not_me":
      return { kind: "answer", answer: { kind: "not_me", to: null }, choice: "not_me" };
    case "stop":
      if (asked.recipient === null) return { kind: "wrong", why: "address" };
      return {
        ...{ kind: "answer", choice: STOP_SCOPE },
        answer: { kind: "stop", address: asked.recipient, scope: STOP_SCOPE },
      };
    case "out_of_office": {
      const until = reply.until === null ? null : untilOf(reply.until, asked, false);
      return { kind: "answer", answer: { kind: "away", until }, choice: "out_of_office" };
    }
  }
}

function untilOf(wanted: string, { now, zone }: Asked, isPromise: boolean): number | null {
  const until = silentUntil(wanted, { now, zone, isPromise });
  return typeof until === "number" ? until : null;
}
