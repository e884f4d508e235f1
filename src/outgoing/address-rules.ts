import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import type { OutgoingSettings } from "./settings.ts";
import { GLOBAL_IPV6, NAMED_IPV6, NAT64, SPECIAL_IPV4, SPECIAL_IPV6, type SpecialNetwork } from "./special-networks.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

const ipv4 = SPECIAL_IPV4.map(named);
const ipv6 = SPECIAL_IPV6.map(named);
const outsideOfGlobal = NAMED_IPV6.map(named);
const globalIpv6 = parseNetwork(GLOBAL_IPV6);
const nat64 = parseNetwork(NAT64);

/** Which addresses may be connected to. */
export interface AddressRules {
  /** Null: it may be. Else what the address is, as in "it is loopback". */
  objectionTo(address: string): string | null;
}

/**
 * Public unicast addresses of other machines, and what the operator allows; never what the operator denies. A firewall in
 * front of a machine doesn't stand between it and its `own` public addresses, so what it keeps from others would be open.
 */
export function addressRules(
  { allow, deny }: Pick<OutgoingSettings, "allow" | "deny">,
  own: () => readonly string[] = addressesOfThisMachine,
): AddressRules {
  const allowed = allow.map(parseNetwork);
  const denied = deny.map(parseNetwork);
  return {
    objectionTo(text) {
      const address = parseAddress(text);
      if (address === null) return "not an address";
      if (denied.some((network) => isIn(address, network))) return "denied by OUTGOING_DENY";
      if (allowed.some((network) => isIn(address, network))) return null;
      const isOwn = own().some((it) => parseAddress(it)?.toString() === address.toString());
      return whatIsSpecial(address) ?? (isOwn ? "of the engine's own machine" : null);
    },
  };
}

/** Decided on the bytes; null for a public unicast address. */
function whatIsSpecial(address: Address): string | null {
  if (address.kind() === "ipv4") return nameIn(ipv4, address);
  if (isIn(address, nat64)) return nameIn(ipv4, lastFourBytes(address));
  if (isIn(address, globalIpv6)) return nameIn(ipv6, address);
  return nameIn(outsideOfGlobal, address) ?? "not a public address";
}

function lastFourBytes(address: Address): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(-4));
}

/** They may change while it runs. */
function addressesOfThisMachine(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

/** Only as `inet_pton` takes it, and without a zone: nothing that two parsers could read in two ways. */
function parseAddress(text: string): Address | null {
  return isIP(text) === 0 || text.includes("%") ? null : ipaddr.parse(text);
}

/** `10.0.0.0/8`, or an address alone. */
function parseNetwork(text: string): Network {
  if (text.includes("/")) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.toByteArray().length * 8];
}

function named([network, what]: SpecialNetwork): { network: Network; what: string } {
  return { network: parseNetwork(network), what };
}

function nameIn(networks: readonly { network: Network; what: string }[], address: Address): string | null {
  return networks.find(({ network }) => isIn(address, network))?.what ?? null;
}

function isIn(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
