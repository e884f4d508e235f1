import type { Posted } from "./web-api.ts";

const PROVIDER_ID = /^([A-Z0-9]+)\/(\d+\.\d+)(?:\/(\d+\.\d+))?$/;

/**
 * What is kept of a message: its channel and its `ts`, and behind them that of the message which began its thread. So each
 * tells where the next one belongs, also when the first is older than deliveries are kept.
 */
export function providerId({ channel, ts }: Posted, threadTs: string | null): string {
  return threadTs === null ? `${channel}/${ts}` : `${channel}/${ts}/${threadTs}`;
}

/** The beginning of the thread that a message is in; null for what isn't one of these. */
export function readThread(providerId: string): Posted | null {
  const [, channel, ts, threadTs = ts] = PROVIDER_ID.exec(providerId) ?? [];
  return channel !== undefined && threadTs !== undefined ? { channel, ts: threadTs } : null;
}
