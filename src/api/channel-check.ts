import { InvalidRecipient } from "../channels/channel.ts";
import { formsIn } from "../channels/recipient.ts";
import type { Channels } from "../channels/registry.ts";
import type { Recipient } from "../core/people.ts";
import { fieldError, invalid, invalidField, type Problem } from "./problem.ts";
import { type PeopleFields, toRecipients } from "./schemas/people.ts";

/**
 * The recipient in its channel's normal form. Throws a 422 that names `channel` when there is no such channel here, or
 * `recipient`, or the field that is named, when the channel can't send there.
 */
export function parseRecipient(
  channels: Channels,
  channelName: string,
  recipient: string | null,
  field = "recipient",
): string | null {
  const channel = channels.get(channelName);
  if (!channel) throw noSuchChannel(channels);
  return recipient === null ? null : parseAs(field, recipient, (text) => channel.parseRecipient(text));
}

/** Several recipients, as they are kept; `recipients.1` is what a 422 names. */
export function parseRecipients(
  channels: Channels,
  channelName: string,
  recipients: NonNullable<PeopleFields["recipients"]>,
): Recipient[] {
  const channel = channels.get(channelName);
  return toRecipients(recipients, (address, place) =>
    channel ? parseAs(["recipients", place], address, (text) => channel.parseRecipient(text)) : address,
  );
}

/** A contact's address, by the rule of the channel that would send there; as it is where that channel isn't here. */
export function parseAddress(channels: Channels, channelName: string, address: string | null): string | null {
  const channel = channels.get(channelName);
  if (!channel || address === null) return address;
  return parseAs(channelName, address, (text) => channel.parseRecipient(text));
}

/** An address in the normal form of the channel that it belongs to. Throws a 422 where there is no such channel, or it can't be one. */
export function parseAddressOf(channels: Channels, channelName: string, address: string): string {
  const channel = channels.get(channelName);
  if (!channel) throw noSuchChannel(channels);
  return parseAs("address", address, (text) => channel.parseRecipient(text));
}

/** How an address may stand in what is kept of it, see `formsIn`; null: for whichever channel. */
export function formsOf(channels: Channels, channelName: string | null, address: string): string[] {
  const all = channelName === null ? [...channels.values()] : [channels.get(channelName) ?? []].flat();
  return [...new Set([address, ...all.flatMap((channel) => formsIn(channel, address))])];
}

function noSuchChannel(channels: Channels): Problem {
  const names = [...channels.keys()].join(", ");
  return invalidField("channel", `must be one of the channels of this installation: ${names || "there are none"}`);
}

/** A field's name, or the way to it. */
type Field = string | readonly PropertyKey[];

function refusedAt(field: Field, message: string): Problem {
  return invalid([fieldError("body", typeof field === "string" ? [field] : field, message)]);
}

/** The same for an address that is kept under its channel's name; that channel must be here. */
export function parseAddressIn(channels: Channels, channelName: string, address: string, field: Field): string {
  const channel = channels.get(channelName);
  if (channel) return parseAs(field, address, (text) => channel.parseRecipient(text));
  const names = [...channels.keys()].join(", ");
  throw refusedAt(field, `must be for one of the channels of this installation: ${names || "there are none"}`);
}

/** Characters of an address, as it is kept. */
const LONGEST_ADDRESS = 500;

function parseAs(field: Field, text: string, parse: (text: string) => string): string {
  const address = withoutFlaw(field, text, parse);
  // A letter of another script in a URL takes up to twelve.
  if (address.length > LONGEST_ADDRESS)
    throw refusedAt(
      field,
      `must have at most ${LONGEST_ADDRESS} characters, as it is sent to: ${address.length} are too many`,
    );
  return address;
}

function withoutFlaw(field: Field, text: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof InvalidRecipient) throw refusedAt(field, error.message);
    throw error;
  }
}
