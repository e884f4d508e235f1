/** Why there is no answer. */
export type FailureKind =
  /** By the guard or for a mistake in the request: nothing was sent, and the same would be refused again. */
  | "refused"
  | "timed_out"
  /** No name, no connection, no trust in its certificate, or it broke off. */
  | "unreachable"
  /** The answer was larger than it may be. */
  | "too_much"
  /** The answer isn't HTTP, or its body isn't compressed as it says. */
  | "unreadable"
  /** The caller gave it up. */
  | "stopped";

export interface Answer {
  ok: true;
  /** Any, redirects included: they are not followed. */
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Decompressed. */
  body: Buffer;
  /** False where `need` was "status" and the body went on, or broke off. */
  isWhole: boolean;
  /** The receiver may have seen the request once before, over a kept connection that broke. */
  mayHaveBeenSeen?: true;
}

export interface Failure {
  ok: false;
  kind: FailureKind;
  /** Goes on from "it": names a host at most, never a path, a query, a header or an address behind a name. */
  because: string;
  /** False where the receiver can't have seen the request. */
  mayHaveArrived: boolean;
}

/** Whoever wanted the request wants it no more: nothing was sent. */
export class HeldBack extends Error {
  override name = "HeldBack";
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super("held back before it was sent");
    this.thrown = thrown;
  }
}

/** A failure on its way up; never leaves this folder. */
export class Failed extends Error {
  override name = "Failed";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, because: string) {
    super(because);
    this.kind = kind;
  }
}

/** For what the guard, or a mistake in the request, refuses. */
export function refused(because: string): Failed {
  return new Failed("refused", because);
}
