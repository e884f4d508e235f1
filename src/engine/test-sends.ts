import { type Message, NotYet, OutcomeUnknown } from "../channels/channel.ts";
import type { Channels } from "../channels/registry.ts";
import { claimTemplateTests, finishTemplateTest, type TemplateTestRow } from "../store/template-tests.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { failed, sent } from "./outcome.ts";

const AT_ONCE = 10;
/** Nobody waits for a test for longer, however long the channel would. */
const PATIENCE_MS = 60_000;
/** What fails isn't tried again: somebody is looking, and may. */
const ONCE = { waitsSeconds: [], capSeconds: 0 };

/**
 * Sends what people send themselves to try a template out: at most once, beside the lanes, and recorded nowhere but in
 * `template_tests`. Resolves to the milliseconds until there may be more.
 */
export async function sendTests(database: WorkerDatabase, channels: Channels, signal: AbortSignal): Promise<number> {
  const tests = await claimTemplateTests(database, AT_ONCE);
  await Promise.all(tests.map((test) => sendTest(database, channels, signal, test)));
  return tests.length === AT_ONCE ? 0 : Number.POSITIVE_INFINITY;
}

async function sendTest(
  database: WorkerDatabase,
  channels: Channels,
  stopping: AbortSignal,
  test: TemplateTestRow,
): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(PATIENCE_MS)]);
  const { status, reason, providerId, demo } = await attempt(channels, signal, test);
  const ended = status === "sent" || status === "unknown" ? status : "failed";
  await finishTemplateTest(database, test, { status: ended, reason, providerId, demo });
}

async function attempt(channels: Channels, signal: AbortSignal, test: TemplateTestRow) {
  try {
    const channel = channels.get(test.channel);
    if (!channel) throw new Error(`there is no channel ${test.channel} here`);
    const message = test.message as unknown as Message;
    return sent(await channel.send({ ...message, recipient: test.recipient, attemptedAt: test.createdAt }, { signal }));
  } catch (error) {
    const reason = error instanceof NotYet ? new Error(`${error.message}; try again soon`) : error;
    return failed(
      signal.aborted ? new OutcomeUnknown("the channel did not say in time whether it was sent") : reason,
      { attempts: 1 },
      ONCE,
      false,
    );
  }
}
