import { BrokenSettings } from "../../../channels/own-settings.ts";
import { type BotAccount, type SlackAccount, toSlackAccount } from "../../../channels/slack/account.ts";
import { CannotOpen, type Keyring } from "../../../secrets/keyring.ts";
import { secretKind } from "../../../store/channel-settings.ts";
import { readSlackSettings } from "../../../store/slack.ts";
import type { TenantDatabase } from "../../../store/tenant-database.ts";
import { CannotProve } from "../provider.ts";

/** An app in Slack whose messages have buttons. */
export type PressedApp = BotAccount & { signingSecret: string };

/** The app, if its messages have buttons. */
export function pressedApp(account: SlackAccount | null): PressedApp | null {
  if (account?.via !== "bot" || !account.signingSecret) return null;
  return { ...account, signingSecret: account.signingSecret };
}

/** What the tenant has of its own; null: it uses the installation's. Throws `CannotProve` where that can't be read. */
export async function ownSlack(database: TenantDatabase, keyring: Keyring): Promise<SlackAccount | null> {
  const stored = await readSlackSettings(database);
  if (stored === null) return null;
  const { tenant: tenantId } = database;
  try {
    const secrets = [...stored.secrets].map(
      ([name, sealed]) => [name, keyring.open({ tenantId, kind: secretKind("slack"), name }, sealed)] as const,
    );
    return toSlackAccount(stored.settings, new Map(secrets));
  } catch (error) {
    if (!(error instanceof CannotOpen || error instanceof BrokenSettings)) throw error;
    throw new CannotProve(`the Slack settings of tenant ${tenantId} can't be used: ${error.message}`);
  }
}
