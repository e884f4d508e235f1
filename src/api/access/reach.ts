import type { AddressInfo } from "node:net";
import type { Api } from "../context.ts";

const LOOPBACK_ADDRESS = /^(127\.|::1$|::ffff:127\.)/;

/** Who can reach us: this process, as long as we don't listen, this machine, or others too. */
export type Reach = () => "process" | "loopback" | "network";

export function reachOf(api: Api): Reach {
  let reach: ReturnType<Reach> = "process";
  api.server.on("listening", () => {
    const { address } = (api.server.address() ?? {}) as Partial<AddressInfo>;
    reach = address !== undefined && isLoopback(address) ? "loopback" : "network";
  });
  return () => reach;
}

export function isLoopback(address: string): boolean {
  return LOOPBACK_ADDRESS.test(address);
}
