import { Command } from "commander";
import type { SecretPlace } from "../core/secret.ts";
import { NoKey } from "../secrets/keyring.ts";
import { newMasterKey } from "../secrets/master-key.ts";
import { keysInUse } from "../store/secrets.ts";
import { operate } from "./operate.ts";
import { listOriginSecrets, type OriginSecretOptions, setSecret, unsetSecret } from "./origin-secrets.ts";
import { rotateSecrets } from "./rotate-secrets.ts";
import { run, type Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";

const MOST_FAILURES = 20;

const TENANT = ["--tenant <name>", "whose secret it is", "default"] as const;
const URL_OPTION = ["--url <url>", "where it may be sent: scheme, host and port count"] as const;

/** `secrets ...`: tenants' secrets for requests to URLs, and the keys that all secrets in the database are sealed with. */
export function secretsCommand(settingsHelp: string): Command {
  const secrets = new Command("secrets")
    .description("secrets for requests to URLs, and the keys that all secrets in the database are sealed with")
    .addHelpText("after", settingsHelp);
  secrets
    .command("new-key")
    .description("prints a new key, for SECRETS_KEY or the first line of SECRETS_KEY_FILE")
    .addHelpText("after", settingsHelp)
    .action(() => say(newMasterKey()));
  secrets
    .command("set <name>")
    .description("stores a secret that the headers of a tenant's requests to one service may name")
    .option(...TENANT)
    .requiredOption(...URL_OPTION)
    .option("--value-file <path>", "a file with the secret; without it, it comes on standard input")
    .addHelpText("after", `\nIt is sealed with the key in SECRETS_KEY or SECRETS_KEY_FILE.\n${settingsHelp}`)
    .action((name: string, options: OriginSecretOptions & { valueFile?: string }) => run(setSecret(name, options)));
  secrets
    .command("list")
    .description("lists the names of such secrets, and where each may be sent")
    .option("--tenant <name>", "only this tenant's")
    .addHelpText("after", settingsHelp)
    .action(({ tenant }: { tenant?: string }) => run(listOriginSecrets(tenant ?? null)));
  secrets
    .command("unset <name>")
    .description("forgets one")
    .option(...TENANT)
    .requiredOption(...URL_OPTION)
    .addHelpText("after", settingsHelp)
    .action((name: string, options: OriginSecretOptions) => run(unsetSecret(name, options)));
  secrets
    .command("rotate")
    .description("seals everything with the first key, so that the others may be removed")
    .addHelpText(
      "after",
      `\nMay run at any time, twice and at once; nothing has to be stopped for it.\n${settingsHelp}`,
    )
    .action(() => run(rotate));
  secrets
    .command("status")
    .description("says which keys secrets are sealed with, and which are missing here")
    .addHelpText("after", settingsHelp)
    .action(() => run(status));
  return secrets;
}

/** Wraps every secret with the newest master key, and says which keys are still needed. */
async function rotate(service: Service): Promise<"done"> {
  const { database, keyring } = await operate(service, "secrets rotate");
  if (keyring.newestId === null) throw new CannotRun(new NoKey().message);
  const { rewrapped, failed } = await rotateSecrets(database, keyring);
  const inUse = await keysInUse(database);
  const others = inUse.filter(({ keyId }) => keyId !== keyring.newestId);
  const total = inUse.reduce((sum, { secrets }) => sum + secrets, 0);
  say(`${count(rewrapped)} newly wrapped with the key ${keyring.newestId}, of ${total} in all`);
  if (others.length === 0) {
    say("No other key is in use any more: the older ones may be removed");
    return "done";
  }
  for (const { keyId, secrets } of others) say(`${count(secrets)} still under the key ${keyId}`);
  const shown = failed.slice(0, MOST_FAILURES).map(({ place, because }) => `${nameOf(place)} ${because}`);
  throw new CannotRun(
    failed.length === 0
      ? "secrets were stored with an older key meanwhile: restart all processes with the new key in front, then run this again"
      : `${count(failed.length)} can't be opened: ${shown.join("; ")}`,
  );
}

/** Says with which master keys secrets are sealed, and whether they are at hand. */
async function status(service: Service): Promise<"done"> {
  const { database, keyring } = await operate(service, "secrets status");
  const inUse = await keysInUse(database);
  const newest = keyring.newestId;
  say(newest === null ? new NoKey().message : `New secrets are sealed with the key ${newest}`);
  if (inUse.length === 0) say("No secret is stored");
  for (const { keyId, secrets, tenants } of inUse) {
    const state =
      keyId === newest ? "the newest" : keyring.has(keyId) ? "an older one: see `secrets rotate`" : "MISSING";
    say(`${keyId}  ${count(secrets)}  ${state}${state === "MISSING" ? ` (tenants: ${tenants.join(", ")})` : ""}`);
  }
  return "done";
}

function count(secrets: number): string {
  return `${secrets} ${secrets === 1 ? "secret" : "secrets"}`;
}

function nameOf({ tenantId, kind, name }: SecretPlace): string {
  return `${name} (${kind}) of tenant ${tenantId}`;
}
