import type { Channel, Message, Receipt } from "../../src/channels/channel.ts";

export interface SinkMessage extends Message {
  /** `Date.now()` when the send began. */
  at: number;
}

export interface Sink extends Channel {
  received: SinkMessage[];
  /** Time that passes between the engine's call and the moment something could leave, as for a connection. */
  connect?: (message: Message) => Promise<void>;
  /** What the next sends do instead of succeeding; set it to change how the receiver behaves. */
  behave: (message: Message, signal: AbortSignal) => Promise<Receipt> | Receipt;
}

export const DELIVERED: Receipt = { providerId: null, demo: false };

/** A receiver of the test's own: a real channel that keeps what it is sent. */
export function sinkChannel(name = "sink", options: Partial<Pick<Channel, "concurrency" | "timeoutMs">> = {}): Sink {
  const sink: Sink = {
    name,
    concurrency: options.concurrency ?? 20,
    timeoutMs: options.timeoutMs ?? 30_000,
    received: [],
    behave: () => DELIVERED,
    parseRecipient: (text) => text,
    address: (contact) => contact.email,
    send: async (message, { signal, beforeSend }) => {
      await sink.connect?.(message);
      await beforeSend?.();
      sink.received.push({ ...message, at: Date.now() });
      return sink.behave(message, signal);
    },
    close: async () => {},
  };
  return sink;
}
