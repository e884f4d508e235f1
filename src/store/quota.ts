/** The tenant has as many ACTIVE reminders as it may have; nothing was written. */
export class QuotaReached extends Error {
  override name = "QuotaReached";
  /** How many more it may have. Fewer than were asked for. */
  readonly left: number;
  readonly quota: number;

  /** `message` names the tenant and its quota. */
  constructor(message: string, { left, quota }: { left: number; quota: number }) {
    super(message);
    this.left = left;
    this.quota = quota;
  }

  /** The same where `freed` were created before in the same transaction, and are gone with it. */
  withFreed(freed: number): QuotaReached {
    return new QuotaReached(this.message, { left: this.left + freed, quota: this.quota });
  }
}

/** What the trigger of the table says as `QuotaReached`; any other error as it is. */
export function orQuotaReached(error: unknown): unknown {
  if (!(error instanceof Error) || !("constraint" in error) || error.constraint !== "reminder_jobs_quota") return error;
  const detail = "detail" in error ? String(error.detail) : "";
  const [left = 0, quota = 0] = [...detail.matchAll(/\d+/g)].map(Number);
  return new QuotaReached(error.message, { left, quota });
}
