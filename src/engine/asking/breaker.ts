/** After so many slow failures in a row a service is asked no more for a while: it would keep all that ask it waiting. */
const MOST_IN_A_ROW = 3;
/** A failure that took less holds up nobody. */
const SLOW_MS = 2_000;
const REST_MS = 15_000;
/** What hasn't been heard of for so long is forgotten. */
const FORGET_MS = 10 * 60_000;

interface Record {
  slowInARow: number;
  because: string;
  failedAtMs: number;
  /** When one may try whether it answers again. */
  tryAgainAtMs: number;
}

/** Remembers which services don't answer in time, so that whoever asks them hears so at once. */
export class Breaker {
  readonly #records = new Map<string, Record>();

  /** Why this service isn't asked now; null: it is. After a rest, one may try. */
  refusal(service: string, nowMs: number): string | null {
    const record = this.#records.get(service);
    if (!record || record.slowInARow < MOST_IN_A_ROW) return null;
    if (nowMs >= record.tryAgainAtMs) {
      record.tryAgainAtMs = nowMs + REST_MS;
      return null;
    }
    const agoSeconds = Math.round((nowMs - record.failedAtMs) / 1000);
    return `${record.because} (${agoSeconds} s ago, and ${record.slowInARow} times in a row)`;
  }

  /** Whoever was to try couldn't ask: the next one may. */
  untried(service: string, nowMs: number): void {
    const record = this.#records.get(service);
    if (record) record.tryAgainAtMs = nowMs;
  }

  answered(service: string): void {
    this.#records.delete(service);
  }

  /** Nobody could say, after so long. */
  failed(service: string, because: string, tookMs: number, nowMs: number): void {
    if (tookMs < SLOW_MS) return;
    const slowInARow = (this.#records.get(service)?.slowInARow ?? 0) + 1;
    this.#records.delete(service);
    this.#records.set(service, { slowInARow, because, failedAtMs: nowMs, tryAgainAtMs: nowMs + REST_MS });
    for (const [name, { failedAtMs }] of this.#records) {
      if (nowMs - failedAtMs < FORGET_MS) break;
      this.#records.delete(name);
    }
  }
}
