import { isIP } from "node:net";
import type { AddressRules } from "./address-rules.ts";
import { MAX_ADDRESSES_TRIED } from "./limits.ts";
import { refused } from "./outcome.ts";
import type { Resolve } from "./resolve.ts";

/** What names that mean this machine are; they are not asked of name servers (RFC 6761 §6.3). */
export const LOCALHOST = ["127.0.0.1", "::1"];

/**
 * The addresses of a host that are to be connected to, IPv4 first, as not every network has IPv6. Throws `Failed` if any of
 * them, tried or not, isn't right: who mixes addresses of the inside into an answer means no good with the others.
 */
export async function addressesOf(
  host: string,
  rules: AddressRules,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const isName = isIP(host) === 0;
  const addresses = !isName ? [host] : isLocalhost(host) ? LOCALHOST : await resolve(host, signal);
  signal.throwIfAborted();
  for (const address of addresses) {
    const objection = rules.objectionTo(address);
    // The address behind a name isn't told: names of the inside could be looked up that way.
    if (objection !== null)
      throw refused(isName ? `its host has an address that is ${objection}` : `its host is ${objection}`);
  }
  return addresses.toSorted((one, other) => isIP(one) - isIP(other)).slice(0, MAX_ADDRESSES_TRIED);
}

export function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
