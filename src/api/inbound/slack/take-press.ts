import type { FastifyRequest } from "fastify";
import type { Channels } from "../../../channels/registry.ts";
import { doneContent } from "../../../channels/slack/done.ts";
import type { SlackWay } from "../../../channels/slack/web-api.ts";
import type { OwnPurpose } from "../../../core/answer.ts";
import { isDoneReason } from "../../../core/done-reason.ts";
import { type DeliveryKey, deliveryId } from "../../../core/reminder.ts";
import type { AnswerLink } from "../../../secrets/answer-token.ts";
import { takeEvent } from "../../../store/inbound-events.ts";
import type { TenantDatabase } from "../../../store/tenant-database.ts";
import { auditWithin } from "../../access/audit.ts";
import { readAsked } from "../../answers/read-asked.ts";
import { sayOver, sayTaken } from "../../answers/results.ts";
import { detailsOf, type Taken, takeAnswer, tellOperator } from "../../answers/take.ts";
import { KNOWING, readWish } from "../../answers/wish.ts";
import { wordsFor } from "../../answers/words/languages.ts";
import { digestOf } from "../provider.ts";
import type { Admitted } from "./door.ts";
import { whoPressed } from "./who.ts";

/** What is told in Slack of what came of a press: to whoever has pressed, or in the place of the message. */
export type Telling = { only: string } | { instead: { text: string; blocks: object[] } };

interface Options {
  channels: Channels;
  way: SlackWay;
}

/** By whose button something was answered, for timelines and the audit. */
export function nameOfButton(link: DeliveryKey): string {
  return `Slack button of ${deliveryId(link)}`;
}

/**
 * Does what a press asks for, as the page behind a link would, if whoever has pressed is one whom the message was for. The same press again
 * does nothing, and null says that there is nothing to be told of it.
 */
export async function takePress(
  request: FastifyRequest,
  { channels, way }: Options,
  { app, press, link }: Admitted,
): Promise<Telling | null> {
  if (link === null) {
    request.log.warn({ address: request.ip }, "a button that nobody has signed was pressed in Slack");
    return { only: sayOver("forged", wordsFor()) };
  }
  const { database } = request;
  const asked = await readAsked(database, link, { lock: false });
  if ("over" in asked) return { only: sayOver(asked.over, wordsFor(asked.locale)) };
  const words = wordsFor(asked.locale);
  const presser = await whoPressed(database, { way, app }, press, asked);
  if (presser.kind !== "known") {
    const because = presser.kind === "unasked" ? presser.because : presser.kind;
    request.log.warn({ delivery: deliveryId(link), user: press.userId, because }, "a press in Slack did nothing");
    if (presser.kind === "stranger") return { only: words.slack.stranger(press.userId) };
    return { only: presser.kind === "other" ? words.slack.notYours : words.slack.cantSay };
  }
  const taken = await pressed(request, database, { channels, press, link, who: presser.who });
  if (taken === null) return null;
  tellOperator(request.log, taken);
  return toldOf(taken);
}

/** A button that was pressed by somebody who may. */
interface Pressed extends Pick<Admitted, "press"> {
  channels: Channels;
  link: AnswerLink<OwnPurpose>;
  who: string;
}

async function pressed(
  request: FastifyRequest,
  database: TenantDatabase,
  { channels, press, link, who }: Pressed,
): Promise<Taken | null> {
  const { userId, channel, messageTs, actionTs, choice, token } = press;
  const event = { origin: "slack", id: digestOf([userId, channel, messageTs, actionTs, choice, token].join(" ")) };
  try {
    return await takeAnswer(
      database,
      link,
      // Slack sends no press again by itself, and one that is played back is refused below.
      (asked) => readWish(new Map([["choice", choice], KNOWING]), asked, channels),
      async (sql, taken) => {
        if ((await takeEvent(sql, event)) !== null) throw new TakenBefore();
        request.auditDetails = { ...detailsOf(taken), slack_user: userId };
        await auditWithin(sql, request, 200);
      },
      { who, details: { by: nameOfButton(link), slack_user: userId } },
    );
  } catch (error) {
    if (error instanceof TakenBefore) return null;
    throw error;
  }
}

/** Somebody plays back what Slack has sent, or it was sent twice. */
class TakenBefore extends Error {}

/** What is done stands in the message for everybody; the rest is for who has pressed. */
function toldOf(taken: Taken): Telling {
  if (taken.kind === "over") return { only: sayOver(taken.over, wordsFor(taken.locale)) };
  const { reminder, contact, link, now } = taken.asked;
  const isTheirs = reminder.people.recipients !== null && reminder.status !== "COMPLETED";
  if (taken.kind === "answered" && link.purpose === "done" && !isTheirs) {
    const completionReason = isDoneReason(reminder.completionReason) ? reminder.completionReason : "done";
    const done = { ...reminder, completionReason, completedAt: reminder.completedAt ?? now };
    return { instead: doneContent({ reminder: done, contact, tenantZone: taken.asked.zone }) };
  }
  return { only: sayTaken(taken, wordsFor(taken.asked.locale)) };
}
