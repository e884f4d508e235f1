// What isn't a host on the public Internet, by the registries of IANA: "IPv4 Special-Purpose Address Registry" and "IPv6
// Special-Purpose Address Registry" (RFC 6890 and what updates it), and those of multicast and reserved addresses. Where a
// registry calls a block globally reachable although no service of anybody is in it (anycast sinks, relays), it is here too.

/** A network, and what it is. */
export type SpecialNetwork = readonly [network: string, what: string];

export const SPECIAL_IPV4: readonly SpecialNetwork[] = [
  ["0.0.0.0/8", "of this network (RFC 791)"],
  ["10.0.0.0/8", "private (RFC 1918)"],
  ["100.64.0.0/10", "shared by a carrier's NAT (RFC 6598)"],
  ["127.0.0.0/8", "loopback (RFC 1122)"],
  // Where AWS, Google Cloud, Azure and most others answer with a machine's credentials: 169.254.169.254.
  ["169.254.0.0/16", "link-local (RFC 3927)"],
  ["172.16.0.0/12", "private (RFC 1918)"],
  // Oracle Cloud's metadata service was at 192.0.0.192.
  ["192.0.0.0/24", "for IETF protocols (RFC 6890)"],
  ["192.0.2.0/24", "for documentation (RFC 5737)"],
  ["192.31.196.0/24", "an AS112 sink (RFC 7535)"],
  ["192.52.193.0/24", "a multicast relay (RFC 7450)"],
  ["192.88.99.0/24", "a 6to4 relay (RFC 7526)"],
  ["192.168.0.0/16", "private (RFC 1918)"],
  ["192.175.48.0/24", "an AS112 sink (RFC 7534)"],
  ["198.18.0.0/15", "for benchmarks (RFC 2544)"],
  ["198.51.100.0/24", "for documentation (RFC 5737)"],
  ["203.0.113.0/24", "for documentation (RFC 5737)"],
  ["224.0.0.0/4", "multicast (RFC 5771)"],
  ["240.0.0.0/4", "reserved (RFC 1112)"],
  // Looks public, and is each virtual machine's own host: credentials, certificates and DNS of Azure.
  ["168.63.129.16/32", "Azure's platform service"],
];

/** All that IANA gives out to hosts; whatever is outside, such as fe80::/10, fc00::/7 and ::ffff:0:0/96, isn't public. */
export const GLOBAL_IPV6 = "2000::/3";

/** Inside of that, what isn't public all the same. */
export const SPECIAL_IPV6: readonly SpecialNetwork[] = [
  // Teredo (2001::/32), benchmarks, ORCHID, AS112, relays: no host is in it.
  ["2001::/23", "for IETF protocols (RFC 2928)"],
  ["2001:db8::/32", "for documentation (RFC 3849)"],
  ["2002::/16", "6to4 (RFC 3056)"],
  ["2620:4f:8000::/48", "an AS112 sink (RFC 7534)"],
  ["3fff::/20", "for documentation (RFC 9637)"],
];

/** What stands outside of `GLOBAL_IPV6` by name, so that a refusal can say what it is. */
export const NAMED_IPV6: readonly SpecialNetwork[] = [
  ["::/128", "unspecified (RFC 4291)"],
  ["::1/128", "loopback (RFC 4291)"],
  ["::ffff:0:0/96", "an IPv4 address in IPv6 form (RFC 4291)"],
  ["::/96", "an IPv4 address in IPv6 form (RFC 4291)"],
  ["::ffff:0:0:0/96", "an IPv4 address in IPv6 form (RFC 2765)"],
  ["64:ff9b:1::/48", "translated to IPv4 (RFC 8215)"],
  ["100::/64", "discarded (RFC 6666)"],
  ["5f00::/16", "for segment routing (RFC 9602)"],
  ["fc00::/7", "private (RFC 4193)"],
  ["fe80::/10", "link-local (RFC 4291)"],
  ["fec0::/10", "site-local (RFC 3879)"],
  ["ff00::/8", "multicast (RFC 4291)"],
];

/** Networks without IPv4 reach it through these: the last four bytes are the IPv4 address, which is what counts. */
export const NAT64 = "64:ff9b::/96";
