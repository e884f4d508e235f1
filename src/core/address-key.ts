/** Scheme and host of a URL, which are the same in capitals or not, and what follows, which isn't (RFC 3986 §6.2.2.1). */
const URL_PARTS = /^(https?:\/\/[^/?#]*)(.*)$/is;

/** What an address is known by, however it is written. The database's `reminder_address_key` says the same. */
export function addressKey(address: string): string {
  const [, origin = address, rest = ""] = URL_PARTS.exec(address) ?? [];
  return origin.toLowerCase() + rest;
}

/** E-mail addresses and URLs: of other names (a topic, a room, a contact's) nobody can tell here whether capitals count. */
const KNOWN_FORM = /^(?:[^\s/@]+@[^\s/@]+|https?:\/\/.*)$/is;

/** Where something certainly goes, however the address is written: what may be two places are two. */
export function placeKey(address: string): string {
  return KNOWN_FORM.test(address) ? addressKey(address) : address;
}

export function isSameAddress(one: string, other: string): boolean {
  return addressKey(one) === addressKey(other);
}
