export const SCHEMES = ["https", "http"] as const;
export type Scheme = (typeof SCHEMES)[number];

/** From one port to another, both included. */
export interface PortRange {
  from: number;
  to: number;
}

/** Where requests to URLs of users may go. */
export interface OutgoingSettings {
  schemes: readonly Scheme[];
  ports: readonly PortRange[];
  /** Networks (CIDR) that may be reached although they aren't public. */
  allow: readonly string[];
  /** Networks (CIDR) that may not be reached although they are public. They outrank those that are allowed. */
  deny: readonly string[];
}

export const DEFAULT_OUTGOING: OutgoingSettings = {
  schemes: SCHEMES,
  ports: [
    { from: 80, to: 80 },
    { from: 443, to: 443 },
  ],
  allow: [],
  deny: [],
};

const HIGHEST_PORT = 65_535;

/** `443` or `8000-8999`; null for what is neither. */
export function parsePortRange(text: string): PortRange | null {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = { from: Number(first), to: Number(last) };
  return first !== undefined && range.from >= 1 && range.from <= range.to && range.to <= HIGHEST_PORT ? range : null;
}
