import { InvalidRecipient } from "../channels/channel.ts";
import type { Channels } from "../channels/registry.ts";
import { invalidField } from "./problem.ts";

/**
 * The recipient in its channel's normal form. Throws a 422 that names `channel` when there is no such channel here, or
 * `recipient` when the channel can't send there.
 */
export function parseRecipient(channels: Channels, channelName: string, recipient: string | null): string | null {
  const channel = channels.get(channelName);
  if (!channel) {
    const names = [...channels.keys()].join(", ");
    throw invalidField("channel", `must be one of the channels of this installation: ${names || "there are none"}`);
  }
  return recipient === null ? null : parseAs("recipient", recipient, (text) => channel.parseRecipient(text));
}

/** A contact's address, by the rule of the channel that would send there; as it is where that channel isn't here. */
export function parseAddress(channels: Channels, channelName: string, address: string | null): string | null {
  const channel = channels.get(channelName);
  if (!channel || address === null) return address;
  return parseAs(channelName, address, (text) => channel.parseRecipient(text));
}

function parseAs(field: string, text: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof InvalidRecipient) throw invalidField(field, error.message);
    throw error;
  }
}
