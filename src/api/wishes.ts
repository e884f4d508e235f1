import { formsIn } from "../channels/recipient.ts";
import type { Channels } from "../channels/registry.ts";
import { addressFor, waysOf } from "../channels/ways.ts";
import { type Addressee, addressees, otherOf } from "../core/audience.ts";
import { escalate } from "../core/escalation.ts";
import { MOST_EXPLAINED, type Wishing } from "../core/explain/wishes.ts";
import type { Instant } from "../core/instant.ts";
import { whoOptedOut } from "../core/opted-out.ts";
import type { Step } from "../core/policy.ts";
import { toBusinessTime } from "../core/schedule/by-calendar.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { endsSilence } from "../core/silence.ts";
import { type Unwanted as Verdict, whyUnwanted } from "../core/unwanted.ts";
import type { Prospect } from "../store/prospect.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { readUnwanted } from "../store/unwanted.ts";
import type { Surroundings } from "./surroundings.ts";

type To = Pick<Addressee, "channel" | "recipient" | "optedOut"> & { addressed: Addressee["addressed"] | null };

const WANTED: Verdict = { suppressed: null, optedOutOf: null };

/**
 * Who would get a reminder's next message as it stands, and what they wish: with a policy, whom the step means that it will be. Nobody where
 * none is due, its policy is over, or a worker will pause it, as nobody can read its policy or its calendar.
 */
export async function readWishes(
  database: TenantDatabase,
  { reminder, now }: Pick<Prospect, "reminder" | "now">,
  surroundings: Surroundings,
  channels: Channels,
): Promise<Wishing[]> {
  const { nextRunAt, status, deletedAt, eventType, id } = reminder;
  if (status !== "ACTIVE" || deletedAt !== null || nextRunAt === null) return [];
  const dueAt = Math.max(nextRunAt, now);
  const step = stepThen(reminder, surroundings, dueAt);
  if (step === "none") return [];
  const all = addresseesOf(reminder, step, surroundings, channels, dueAt).slice(0, MOST_EXPLAINED);
  const asked = all.flatMap(({ channel, recipient }, n) =>
    formsIn(channels.get(channel), recipient ?? "").map((address) => ({ n, channel, address })),
  );
  const outgoing = asked.map(({ channel, address }) => ({
    ...{ tenantId: database.tenant, channel, address, reminderId: id, eventType },
  }));
  const verdicts = await readUnwanted(database, outgoing);
  const whyNot = (verdict = WANTED) => whyUnwanted(verdict, eventType);
  return all.map((to, n) => {
    const { known, contact } = surroundings;
    const other = known === null || to.addressed === null ? undefined : otherOf(reminder, known, to.addressed);
    // Of several forms of an address, the first that something is held against.
    const found = asked.findIndex((one, place) => one.n === n && whyNot(verdicts[place]) !== null);
    const verdict = verdicts[found] ?? WANTED;
    const because = whyNot(verdict);
    const table = verdict.suppressed === null ? "opt_outs" : "suppressions";
    const evidence = { table, id: asked[found]?.address ?? "", columns: [] } as const;
    const { addressed } = to;
    const either = known && addressed && whoOptedOut(addressed, known.contacts, eventType);
    const gathersUntil = surroundings.gathersUntil(dueAt, dueAt, addressed === null ? null : { ...to, addressed });
    return {
      to,
      contact: either?.person ?? (other === undefined && reminder.recipient === null ? contact : (other ?? null)),
      unwanted: because === null ? null : { because, evidence },
      gathersUntil,
      quietUntil: surroundings.quietUntil(gathersUntil ?? dueAt, to.addressed),
    };
  });
}

/** Which step of its policy the occurrence that is due then will be, as firing decides it; null: it goes by none; `none`: it won't be. */
function stepThen(
  reminder: Prospect["reminder"],
  { known, around }: Surroundings,
  dueAt: Instant,
): Step | "none" | null {
  if (known?.flaw) return "none";
  if (!known?.policy) return null;
  const { policy, wasGiven } = known;
  const { escalation, deadlineAt } = reminder.people;
  const isAskedFor = endsSilence(reminder.nextRunAt, reminder.silence);
  // What is just being sent arrives, as far as anybody can tell.
  const escalating = { policy, escalation, deadlineAt, wasGiven: wasGiven ?? true };
  try {
    const business = reminder.business === null ? undefined : toBusinessTime(reminder.business, around.calendar);
    return escalate(escalating, { since: dueAt, at: dueAt, isAskedFor }, business).step ?? "none";
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return "none";
  }
}

function addresseesOf(
  reminder: Prospect["reminder"],
  step: Step | null,
  { known, contact }: Surroundings,
  channels: Channels,
  at: number,
): To[] {
  if (known !== null) return addressees(reminder, step, known, waysOf(channels), at);
  const channel = channels.get(reminder.channel);
  const theirs = channel && contact ? addressFor(channel, contact) : null;
  return [{ channel: reminder.channel, recipient: reminder.recipient ?? theirs, addressed: null, optedOut: null }];
}
