import { type Instant, toIso } from "./instant.ts";

/** Why nothing is sent to an address, and until when; null: until somebody releases it. */
export interface SuppressedAs {
  reason: string;
  because: string | null;
  expiresAt: Instant | null;
}

/** What is not to be sent to an address. */
export interface Unwanted {
  /** Null: it may be sent to. */
  suppressed: SuppressedAs | null;
  /** Of what the address wants no more; null: it may be sent. */
  optedOutOf: "reminder" | "event_type" | null;
}

/** Why something isn't sent to where it goes, for people; null: it is. */
export function whyUnwanted({ suppressed, optedOutOf }: Unwanted, eventType: string): string | null {
  if (suppressed !== null) return suppressedSentence(suppressed);
  if (optedOutOf === null) return null;
  const what = optedOutOf === "reminder" ? "this reminder" : eventType;
  return `whoever has this address wants no more of ${what}; see /opt-outs`;
}

function suppressedSentence({ reason, because, expiresAt }: SuppressedAs): string {
  const until = expiresAt === null ? "until somebody releases it" : `until ${toIso(expiresAt)}`;
  const why = because === null ? reason : `${reason}: ${because}`;
  return `nothing is sent to this address ${until} (${why}); see /suppressions`;
}
