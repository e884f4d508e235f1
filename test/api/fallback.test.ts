import { expect, test } from "vitest";
import { Permanent, Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi } from "../support/api.ts";
import { once, PATIENT, severalChannels } from "../support/several-channels.ts";

test("the list of deliveries, the timeline and explain tell what went over another channel, in whose stead and why", async () => {
  const there = await severalChannels();
  const api = await startApi(there.database, { channels: channelMap([there.first, there.second, there.third]) });
  await there.contact("ann", { first: "ann-1", second: "ann-2" });
  there.first.behave = () => {
    throw new Permanent("nobody is there");
  };
  there.second.behave = () => {
    throw new Retryable("it is down");
  };
  const id = await there.insert(once("ann"));
  const worker = there.workWith("first:second:10m,second:third:10m", { retry: PATIENT });
  await there.goes(id, ["first ann-1 failed", "second ann-2 retrying"]);

  const { body: deliveries } = await api.call("GET", `/reminders/${id}/deliveries`);
  const [over, failed] = deliveries as { id: string; instead_of: string | null; channel: string }[];
  expect(failed).toMatchObject({ channel: "first", instead_of: null, person: null });
  expect(over).toMatchObject({ channel: "second", instead_of: failed?.id, person: null, recipient: "ann-2" });

  const { body: timeline } = await api.call("GET", `/reminders/${id}/timeline`);
  const lines = timeline as { type: string; because: string; details: object }[];
  expect(lines.map(({ type }) => type)).toEqual(["created", "fired", "failed", "fell_back", "attempt_failed"]);
  expect(lines[3]).toMatchObject({
    because: "it goes over second to ann-2, as first could not deliver it",
    details: { delivery: failed?.id, channel: "first", to_channel: "second", to: "ann-2", instead: over?.id },
  });

  const explained = async (): Promise<string> => {
    const { body } = await api.call("GET", `/reminders/${id}/explain`);
    const { present, history } = body as Record<"present" | "history", { sentence: string }[]>;
    return [...present, ...history].map(({ sentence }) => sentence).join("\n");
  };
  const said = await explained();
  expect(said).toMatch(/^The message for .* \(over second instead of first\) is tried again after 1 delivery attempt/m);
  expect(said).toMatch(/^It goes over second to ann-2, as first could not deliver it\.$/m);

  // Nobody is reached by the third, so it is tried until its attempts are used up.
  await worker.stop();
  there.workWith("first:second:10m,second:third:10m", { retry: { ...PATIENT, maxAttempts: 2 } });
  await there.advance({ minutes: 90 });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await explained()).toMatch(/^It does not go over third instead: person\/ann has no address for third\.$/m);
});
