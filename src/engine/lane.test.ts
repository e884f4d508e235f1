import { expect, test } from "vitest";
import type { Channel } from "../channels/channel.ts";
import type { Held } from "./held.ts";
import { Lane } from "./lane.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const channel = { name: "email", concurrency: 4, timeoutMs: 1_000 } as Channel;

function held(tenantId: string): Held {
  return { tenantId, notBeforeMs: 0 } as Held;
}

/** A lane, what it has begun, and how often it told that there is room. */
function watched(of: Channel): { lane: Lane; begun: Held[]; rooms: () => number } {
  const begun: Held[] = [];
  let rooms = 0;
  const lane = new Lane(
    of,
    DEFAULT_SETTINGS,
    (_lane, started) => begun.push(started),
    () => {
      rooms += 1;
    },
  );
  return { lane, begun, rooms: () => rooms };
}

test("room is told of as soon as nothing that queues may begin, however much that is", () => {
  const { lane, begun, rooms } = watched(channel);
  for (let n = 0; n < 20; n += 1) lane.add(held("acme"));
  expect(begun).toHaveLength(2);
  lane.turnedAway();
  const other = held("globex");
  lane.add(other);
  expect(begun).toHaveLength(3);

  lane.ended(other);
  expect(rooms()).toBe(1);
});

test("what was turned away while all had places is told of, though these have ended since and nothing else ends", () => {
  const { lane, begun, rooms } = watched({ ...channel, concurrency: 1 });
  for (let n = 0; n < 10; n += 1) lane.add(held("default"));
  const { free } = lane.places();
  while (begun.length > 0) lane.ended(begun.shift() as Held);

  lane.turnedAwayBefore();

  expect({ free, rooms: rooms() }).toEqual({ free: 0, rooms: 1 });
});

test("as long as there is no room, it is told when something ends", () => {
  const { lane, begun, rooms } = watched({ ...channel, concurrency: 1 });
  for (let n = 0; n < 10; n += 1) lane.add(held("default"));
  lane.turnedAwayBefore();
  expect(rooms()).toBe(0);
  while (begun.length > 0) lane.ended(begun.shift() as Held);
  expect(rooms()).toBe(1);
});

test("a lane that stops gives back all that hasn't begun, also what was fired a little ahead", () => {
  const lane = new Lane(
    channel,
    DEFAULT_SETTINGS,
    () => {},
    () => {},
  );
  const early = { ...held("acme"), notBeforeMs: performance.now() + 60_000 };
  const all = [held("acme"), held("acme"), held("acme")];
  for (const one of [early, ...all]) lane.add(one);

  // Of four places two may be one tenant's.
  expect(lane.stop()).toEqual([early, all[2]]);
  expect(lane.room).toBe(0);
});
