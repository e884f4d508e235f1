import { NotYet, Permanent, Retryable } from "../../../channels/channel.ts";
import { readPosted } from "../../../channels/slack/thread.ts";
import { type SlackWay, userOf } from "../../../channels/slack/web-api.ts";
import { textAt } from "../../../core/json-fields.ts";
import { contactInSlack, knownEmail, rememberEmail, type SlackPerson } from "../../../store/slack.ts";
import type { TenantDatabase } from "../../../store/tenant-database.ts";
import type { Asked } from "../../answers/asked.ts";
import type { PressedApp } from "./apps.ts";
import type { Press } from "./press.ts";

/** Whether whoever has pressed is one whom the message was for. */
export type Presser =
  | { kind: "known"; who: string }
  /** Nobody whom the tenant knows. */
  | { kind: "stranger" }
  /** The message is for somebody else. */
  | { kind: "other" }
  /** Slack can't be asked who it is. */
  | { kind: "unasked"; because: string };

const ASKING_MS = 5_000;
const LONGEST_EMAIL = 320;
const PERSON = /^[UW]/;
const DIRECT = /^D/;

/**
 * What is for one person, that person alone may answer; what is for a channel, whoever is there and is a contact of the tenant. Who
 * somebody is, Slack says, and nobody themselves: by the id that it has signed, the direct message that only one person sees,
 * or the e-mail address that it knows them by.
 */
export async function whoPressed(
  database: TenantDatabase,
  { way, app }: { way: SlackWay; app: PressedApp },
  press: Press,
  asked: Asked,
): Promise<Presser> {
  const { recipient, providerId } = asked;
  if (asked.channel !== "slack" || recipient === null) return { kind: "other" };
  const isDirect = DIRECT.test(press.channel) && readPosted(providerId ?? "")?.channel === press.channel;
  if (PERSON.test(recipient) && !recipient.includes("@"))
    return press.userId === recipient ? { kind: "known", who: recipient } : { kind: "other" };
  if (recipient.includes("@")) {
    if (isDirect) return { kind: "known", who: recipient };
    const email = await emailOf(database, { way, app }, press);
    if (typeof email === "object" && email !== null) return email;
    return email === recipient.toLowerCase() ? { kind: "known", who: recipient } : { kind: "other" };
  }
  if (press.channel !== recipient) return { kind: "other" };
  if (isDirect) return { kind: "known", who: press.userId };
  return await contactOf(database, { way, app }, press);
}

async function contactOf(
  database: TenantDatabase,
  asking: { way: SlackWay; app: PressedApp },
  press: Press,
): Promise<Presser> {
  // Another workspace with which the channel is shared may give its people the same ids.
  if (personOf(press) === null) return { kind: "stranger" };
  const byId = await contactInSlack(database, press.userId, null);
  if (byId) return { kind: "known", who: byId.email ?? byId.name ?? press.userId };
  const email = await emailOf(database, asking, press);
  if (typeof email === "object" && email !== null) return email;
  const contact = email === null ? null : await contactInSlack(database, press.userId, email);
  return contact ? { kind: "known", who: contact.email ?? contact.name ?? press.userId } : { kind: "stranger" };
}

/** The e-mail address, in lower case, that Slack knows whoever has pressed by; null: it tells none that can be relied on. */
async function emailOf(
  database: TenantDatabase,
  { way, app }: { way: SlackWay; app: PressedApp },
  press: Press,
): Promise<string | null | Extract<Presser, { kind: "unasked" }>> {
  const person = personOf(press);
  if (person === null) return null;
  const known = await knownEmail(database, person);
  if (known !== null) return known;
  try {
    const user = await userOf(
      { ...way, timeoutMs: ASKING_MS },
      app.token,
      person.userId,
      AbortSignal.timeout(ASKING_MS),
    );
    const email = reliableEmail(user, person);
    if (email !== null) await rememberEmail(database, person, email);
    return email;
  } catch (error) {
    const isOurs = error instanceof NotYet || error instanceof Permanent || error instanceof Retryable;
    if (!isOurs) throw error;
    return { kind: "unasked", because: error.message };
  }
}

function personOf({ userId, userTeamId, teamId }: Press): SlackPerson | null {
  return teamId !== null && userTeamId === teamId ? { teamId, userId } : null;
}

/** Of a member of this workspace who is there, and whose address isn't one that nobody has confirmed. */
function reliableEmail(user: object, { teamId, userId }: SlackPerson): string | null {
  const said = user as Record<string, unknown>;
  const isMember = said.id === userId && said.team_id === teamId;
  const isNobody = said.deleted === true || said.is_bot === true || said.is_stranger === true;
  const email = textAt(said, "profile", "email")?.trim().toLowerCase() ?? "";
  if (!isMember || isNobody || said.is_email_confirmed === false) return null;
  return email.includes("@") && email.length <= LONGEST_EMAIL ? email : null;
}
