import { domainToASCII } from "node:url";
import { InvalidRecipient } from "../channel.ts";

/** RFC 5321 §4.5.3.1: what fits between the angle brackets of `RCPT TO:<...>`. */
const MAX_ADDRESS_LENGTH = 254;
const MAX_LOCAL_PART_LENGTH = 64;

/** RFC 5322 §3.2.3 `dot-atom`: what stands before the `@` without quotes. */
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** RFC 1035 §2.3.1 as RFC 1123 §2.1 widened it: letters, digits and inner hyphens. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Exactly one plain address (`ann@example.com`), with its domain in lower case and in ASCII (`bücher.example` becomes
 * `xn--bcher-kva.example`). Names, lists, quotes and comments are refused: what looks like one address to us must look
 * like one to every mail server on the way. Throws `InvalidRecipient`.
 */
export function parseEmailAddress(text: string): string {
  const address = text.trim();
  const at = address.lastIndexOf("@");
  if (at < 1 || /[\s,;<>"()[\]\\]/.test(address)) {
    throw new InvalidRecipient(
      "must be one plain e-mail address like ann@example.com, without a name, quotes or brackets",
    );
  }

  const localPart = address.slice(0, at);
  if (!/^[\x21-\x7E]*$/.test(localPart)) {
    throw new InvalidRecipient("must be plain ASCII before the @: few mail servers take other letters there");
  }
  if (localPart.length > MAX_LOCAL_PART_LENGTH || !LOCAL_PART.test(localPart)) {
    throw new InvalidRecipient(
      `must have at most ${MAX_LOCAL_PART_LENGTH} letters, digits, single dots and signs like + - _ before the @`,
    );
  }

  const normal = `${localPart}@${parseDomain(address.slice(at + 1))}`;
  if (normal.length > MAX_ADDRESS_LENGTH) {
    throw new InvalidRecipient(`must have at most ${MAX_ADDRESS_LENGTH} characters`);
  }
  return normal;
}

/** The part after the `@`. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

function parseDomain(text: string): string {
  const isAscii = /^[\x21-\x7E]*$/.test(text);
  const domain = isAscii ? text.toLowerCase() : domainToASCII(text);
  const labels = domain.split(".");
  const isName = labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
  const isWhole = labels.length > 1 || domain === "localhost";
  if (!isName || !isWhole) {
    throw new InvalidRecipient("must have a domain after the @ that mail can go to, like example.com");
  }
  return domain;
}
