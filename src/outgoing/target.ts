import { isIP } from "node:net";
import { MAX_URL_CHARS } from "./limits.ts";
import { refused } from "./outcome.ts";
import type { OutgoingSettings, Scheme } from "./settings.ts";

/** Where a URL leads, before anything is looked up. */
export interface Target {
  scheme: Scheme;
  /** A name in lower case, or an address without brackets. */
  host: string;
  port: number;
  /** What the Host header says. */
  authority: string;
  /** Path and query, percent-encoded. */
  path: string;
}

const DEFAULT_PORTS: Record<Scheme, number> = { https: 443, http: 80 };
const LONGEST_NAME_CHARS = 253;
const NAME = /^(?!.*\.\.)[a-z0-9_-][a-z0-9_.-]*$/;

/**
 * Reads a URL the way browsers do (WHATWG), and from then on nothing but what was read is used: hosts in decimal, octal,
 * hexadecimal or full-width digits have become the addresses that they are. Throws `Failed` with what is wrong.
 */
export function targetOf(text: string, { schemes, ports }: Pick<OutgoingSettings, "schemes" | "ports">): Target {
  const mistake = urlMistake(text);
  if (mistake !== null) throw refused(mistake);
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1) as Scheme;
  if (!schemes.includes(scheme)) throw refused(`its scheme ${scheme} is not among OUTGOING_SCHEMES`);
  const port = url.port === "" ? DEFAULT_PORTS[scheme] : Number(url.port);
  if (!ports.some(({ from, to }) => from <= port && port <= to)) {
    throw refused(`its port ${port} is not among OUTGOING_PORTS`);
  }
  return { scheme, host: hostOf(url), port, authority: url.host, path: url.pathname + url.search };
}

/** What is wrong with a URL whatever the settings are, as in "it has a password"; null if nothing is. */
export function urlMistake(text: string): string | null {
  if (text.length > MAX_URL_CHARS) return `it is longer than ${MAX_URL_CHARS} characters`;
  // WHATWG's parser drops some of these without a word.
  if (/[\p{Cc}\s]/u.test(text)) return "it has spaces or control characters";
  if (!URL.canParse(text)) return "it is not a URL like https://example.com/path";
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return "its scheme is neither https nor http";
  if (url.username !== "" || url.password !== "") return "it has a user name or a password";
  const host = hostOf(url);
  if (isIP(host) === 0 && (host.length > LONGEST_NAME_CHARS || !NAME.test(host)))
    return "its host is not a host's name";
  return null;
}

/** The final dot of a name says that it is whole, which all names here are. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}
