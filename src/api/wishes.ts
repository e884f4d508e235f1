import type { Channels } from "../channels/registry.ts";
import { addressFor, waysOf } from "../channels/ways.ts";
import { type Addressee, addressees, otherOf } from "../core/audience.ts";
import { MOST_EXPLAINED, type Wishing } from "../core/explain/wishes.ts";
import { whoOptedOut } from "../core/opted-out.ts";
import { whyUnwanted } from "../core/unwanted.ts";
import type { Prospect } from "../store/prospect.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { readUnwanted } from "../store/unwanted.ts";
import type { Surroundings } from "./surroundings.ts";

type To = Pick<Addressee, "channel" | "recipient" | "optedOut"> & { addressed: Addressee["addressed"] | null };

/**
 * Who would get a reminder's next message as it stands, and what they wish. Nobody where none is due, and of the people of a policy's later
 * steps nothing: who that will be is told by its preview.
 */
export async function readWishes(
  database: TenantDatabase,
  { reminder, now }: Pick<Prospect, "reminder" | "now">,
  surroundings: Surroundings,
  channels: Channels,
): Promise<Wishing[]> {
  const { nextRunAt, status, deletedAt, eventType, id } = reminder;
  const hasEscalated = (reminder.people.escalation?.step ?? 0) > 0;
  if (status !== "ACTIVE" || deletedAt !== null || nextRunAt === null || hasEscalated) return [];
  const dueAt = Math.max(nextRunAt, now);
  const all = addresseesOf(reminder, surroundings, channels, dueAt).slice(0, MOST_EXPLAINED);
  const outgoing = all.map(({ channel, recipient }) => ({
    ...{ tenantId: database.tenant, channel, address: recipient ?? "", reminderId: id, eventType },
  }));
  const verdicts = await readUnwanted(database, outgoing);
  return all.map((to, n) => {
    const { known, contact } = surroundings;
    const other = known === null || to.addressed === null ? undefined : otherOf(reminder, known, to.addressed);
    const verdict = verdicts[n] ?? { suppressed: null, optedOutOf: null };
    const because = whyUnwanted(verdict, eventType);
    const table = verdict.suppressed === null ? "opt_outs" : "suppressions";
    const evidence = { table, id: to.recipient ?? "", columns: [] } as const;
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

function addresseesOf(
  reminder: Prospect["reminder"],
  { known, contact }: Surroundings,
  channels: Channels,
  at: number,
): To[] {
  if (known !== null) return addressees(reminder, null, known, waysOf(channels), at);
  const channel = channels.get(reminder.channel);
  const theirs = channel && contact ? addressFor(channel, contact) : null;
  return [{ channel: reminder.channel, recipient: reminder.recipient ?? theirs, addressed: null, optedOut: null }];
}
