import { open } from "node:fs/promises";

/**
 * What shows that faults were more than meant: by the lines of the server's log, how often the engine's own connections met them. The
 * application's name stands before what is said; it is not yet known where a connection isn't let in. Of a backend that was killed the
 * postmaster tells, and of those that it ends for that, once for all: only they themselves are told.
 */
const TRACES: Record<string, RegExp> = {
  "told of a deadlock": /reminder-engine.*deadlock detected/,
  "told that it can't be serialized": /reminder-engine.*could not serialize access/,
  "a connection ended by an administrator": /reminder-engine.*due to administrator command/,
  "a connection ended with the postmaster": /reminder-engine.*due to unexpected postmaster exit/,
  "a backend killed, and all others ended for it": /\(PID \d+\) was terminated by signal 9\b/,
  "a connection lost": /reminder-engine.*(Connection reset by peer|Broken pipe|unexpected EOF)/,
  "not let in, for too many are": /(too many clients already|remaining connection slots)/,
  "no room on the disk": /No space left on device/,
};

/** Has the server write who said what. */
export const LOG_LINE_PREFIX = "%m [%p] %a ";

const LOOK_EVERY_MS = 1_000;

/** Counts the traces in what is said, line by line. */
export class Traces {
  readonly #counts = new Map<string, number>();
  #rest = "";

  read(text: string): void {
    const lines = `${this.#rest}${text}`.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [name] = Object.entries(TRACES).find(([, pattern]) => pattern.test(line)) ?? [];
      if (name !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }

  /** How often each was met; those that weren't as well. */
  counts(): [name: string, count: number][] {
    return Object.keys(TRACES).map((name) => [name, this.#counts.get(name) ?? 0]);
  }
}

/** Reads on in a log for as long as it is written, however often it is begun anew. */
export function follow(path: string, traces: Traces): { stop(): Promise<void> } {
  let offset = 0;
  let reading = Promise.resolve();
  const look = async (): Promise<void> => {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size < offset) offset = 0;
      const buffer = Buffer.alloc(size - offset);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      offset += bytesRead;
      traces.read(buffer.toString("utf8", 0, bytesRead));
    } finally {
      await file.close();
    }
  };
  const lookNext = (): Promise<void> => {
    reading = reading.then(look).catch(() => {});
    return reading;
  };
  const timer = setInterval(() => void lookNext(), LOOK_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await lookNext();
    },
  };
}
