import { isIP } from "node:net";
import { addressRules } from "./address-rules.ts";
import { isLocalhost, LOCALHOST } from "./addresses.ts";
import { Failed } from "./outcome.ts";
import type { OutgoingSettings } from "./settings.ts";
import { targetOf } from "./target.ts";

/** Why the guard will refuse a URL, as in "its host is loopback", as far as that is certain before any name is looked up; else null. */
export type CertainlyRefused = (url: string) => string | null;

/**
 * By the settings alone: schemes, ports, and hosts that are addresses. Of this machine's own addresses nothing is said, since
 * another one may send the request.
 */
export function certainlyRefused(settings: OutgoingSettings): CertainlyRefused {
  const rules = addressRules(settings, () => []);
  return (url) => {
    try {
      const { host } = targetOf(url, settings);
      const addresses = isIP(host) !== 0 ? [host] : isLocalhost(host) ? LOCALHOST : [];
      const objection = addresses.map((address) => rules.objectionTo(address)).find((it) => it !== null);
      return objection === undefined ? null : `its host is ${objection}`;
    } catch (error) {
      if (error instanceof Failed) return error.message;
      throw error;
    }
  };
}
