import { Resolver } from "node:dns/promises";
import { DNS_TRIES, DNS_TRY_MS } from "./limits.ts";
import { Failed } from "./outcome.ts";

/** All addresses of a name. Throws `Failed`. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

const ANSWERS_THAT_THERE_IS_NONE = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * Asks the name servers of the machine, or these (`address:port`). Not through `getaddrinfo`: that takes a thread of a few
 * for as long as somebody's slow name server likes, and everything else that needs one waits. So /etc/hosts isn't read.
 */
export function dnsResolver(servers?: readonly string[]): Resolve {
  return async (name, signal) => {
    // One for each name, as giving up one question gives up all of its resolver; and it reads /etc/resolv.conf afresh.
    const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: DNS_TRIES });
    if (servers) resolver.setServers(servers);
    const giveUp = (): void => resolver.cancel();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      if (addresses.length > 0) return addresses;
      throw noAddress(answers.flatMap((answer) => (answer.status === "rejected" ? [codeOf(answer.reason)] : [])));
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };
}

function noAddress(codes: readonly string[]): Failed {
  const trouble = codes.find((code) => !ANSWERS_THAT_THERE_IS_NONE.has(code));
  if (trouble === undefined) return new Failed("unreachable", "its host has no address");
  if (trouble === "ETIMEOUT") return new Failed("unreachable", "its host can't be looked up: no name server answers");
  return new Failed("unreachable", `its host can't be looked up (${trouble})`);
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
