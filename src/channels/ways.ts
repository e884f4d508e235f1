import type { Ways } from "../core/audience.ts";
import type { Person } from "../core/person.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./registry.ts";

/** Where a channel reaches a contact: at the address kept for it by the channel's name, else where the channel itself says. */
export function addressFor(
  channel: Channel,
  contact: Parameters<Channel["address"]>[0] & Pick<Person, "addresses">,
): string | null {
  const own = contact.addresses;
  return (own && Object.hasOwn(own, channel.name) ? own[channel.name] : undefined) ?? channel.address(contact);
}

/** How these channels reach people. */
export function waysOf(channels: Channels): Ways {
  return {
    addressOf: (name, contact) => {
      const channel = channels.get(name);
      return channel ? addressFor(channel, contact) : null;
    },
  };
}
