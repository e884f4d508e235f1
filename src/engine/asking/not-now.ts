/** It can't be asked at this moment, which says nothing about the thing, nor about whoever is to be asked: it is tried again soon. */
export class NotNow extends Error {
  override name = "NotNow";
  /** Milliseconds. */
  readonly retryInMs: number;

  constructor(message: string, retryInMs: number) {
    super(message);
    this.retryInMs = retryInMs;
  }
}
