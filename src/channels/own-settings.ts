import { Retryable } from "./channel.ts";

/** What a tenant has set for a channel can't be used as it is. The message goes on from "the webhook settings of tenant x ...". */
export class BrokenSettings extends Error {
  override name = "BrokenSettings";
}

/** What a tenant has set for itself, or null where it uses what the installation has. Throws `BrokenSettings`. */
export type OwnSettings<T> = (tenantId: string) => Promise<T | null>;

/**
 * The tenant's own settings, or else those of the installation. What can't be used waits for somebody to mend it (throws
 * `Retryable`), and nothing goes out by the installation's settings instead.
 */
export async function settingsFor<T>(
  tenantId: string,
  { shared, own, what }: { shared: T; own: OwnSettings<T> | undefined; what: string },
): Promise<T> {
  try {
    return (await own?.(tenantId)) ?? shared;
  } catch (error) {
    if (!(error instanceof BrokenSettings)) throw error;
    throw new Retryable(`the ${what} of tenant ${tenantId} ${error.message}`);
  }
}
