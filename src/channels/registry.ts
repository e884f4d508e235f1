import type { Channel } from "./channel.ts";

/** The ways to send that this installation has, by name. */
export type Channels = ReadonlyMap<string, Channel>;

export function channelMap(channels: readonly Channel[]): Channels {
  return new Map(channels.map((channel) => [channel.name, channel]));
}
