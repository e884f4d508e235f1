/** One message of PostgreSQL's protocol 3, from the server. */
export interface ServerMessage {
  type: string;
  raw: Buffer;
}

const COMMAND_COMPLETE = "C";
const READY_FOR_QUERY = "Z";
/** One byte of type, four of length, which counts itself. */
const HEADER_BYTES = 5;

/**
 * Cuts what a server says into messages, however TCP has cut it. Knows no TLS: the connection must be a plain one from
 * its start.
 */
export class ServerStream {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that this piece completes. */
  take(piece: Buffer): ServerMessage[] {
    let data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const messages: ServerMessage[] = [];
    while (data.length >= HEADER_BYTES) {
      const length = 1 + data.readUInt32BE(1);
      if (data.length < length) break;
      messages.push({ type: String.fromCharCode(data[0] as number), raw: data.subarray(0, length) });
      data = data.subarray(length);
    }
    this.#rest = data;
    return messages;
  }
}

/** What a CommandComplete says was done ("COMMIT", "UPDATE 3"); null for any other message. */
export function completedCommand({ type, raw }: ServerMessage): string | null {
  return type === COMMAND_COMPLETE ? raw.toString("latin1", HEADER_BYTES, raw.length - 1) : null;
}

/** How a ReadyForQuery says that things stand: `idle` outside a transaction; null for any other message. */
export function readiness({ type, raw }: ServerMessage): "idle" | "in transaction" | null {
  if (type !== READY_FOR_QUERY) return null;
  return raw[HEADER_BYTES] === "I".charCodeAt(0) ? "idle" : "in transaction";
}
