import type { Channel } from "../channels/channel.ts";
import { markLeaving } from "../store/leaving.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { Overtaken } from "./gate.ts";
import type { Held } from "./held.ts";
import { handedBack } from "./outcome.ts";

/**
 * Has it written down that these are about to leave, where the receiver couldn't tell if they came again: should this worker die, nobody sends
 * them once more. False where there was nothing to be noted; what was known before is older by a round trip where there was.
 * Throws `Overtaken` where they aren't this worker's any more, or the database is away.
 */
export async function noteLeaving(
  database: WorkerDatabase,
  { isAtMostOnce }: Pick<Channel, "isAtMostOnce">,
  these: readonly Held[],
): Promise<boolean> {
  const unnoted = isAtMostOnce ? these.filter(({ mayHaveLeft }) => !mayHaveLeft) : [];
  const [first] = unnoted;
  if (!first) return false;
  if ((await mark(database, unnoted)) < unnoted.length) throw new Overtaken(handedBack(first.attempts));
  for (const held of unnoted) held.mayHaveLeft = true;
  return true;
}

async function mark(database: WorkerDatabase, held: readonly Held[]): Promise<number> {
  try {
    return await markLeaving(database, held);
  } catch (error) {
    if (isDatabaseAway(error)) return 0;
    throw error;
  }
}
