import { originOf, placeForOrigin, type SecretPlace } from "../core/secret.ts";
import { isHeaderValue } from "../outgoing/headers.ts";
import { urlMistake } from "../outgoing/target.ts";
import { NoKey } from "../secrets/keyring.ts";
import { deleteSecret, listSecrets, writeSecret } from "../store/secrets.ts";
import { isTenant } from "../store/tenants.ts";
import { note } from "./note.ts";
import { operate } from "./operate.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";

export interface OriginSecretOptions {
  tenant: string;
  url: string;
}

const NAME = /^[A-Za-z0-9_.-]{1,100}$/;
/** What the table takes. */
const LONGEST_KIND_CHARS = 200;
const VALUE_OPTION = { what: "secret", option: "--value-file", command: "secrets set ..." };

/** Stores a secret that headers of requests to one origin may name, in place of any of that name. */
export function setSecret(name: string, options: OriginSecretOptions & { valueFile?: string }): Command {
  return async (service) => {
    const place = placeOf(name, options);
    const { database, keyring } = await operate(service, "secrets set");
    if (!(await isTenant(database, place.tenantId))) {
      throw new CannotRun(`there is no tenant ${place.tenantId}: create it with \`reminder-engine tenants create\``);
    }
    // Said before anybody types a secret.
    if (keyring.newestId === null) throw new CannotRun(new NoKey().message);
    const value = await readSecret(options.valueFile, VALUE_OPTION);
    if (!isHeaderValue(value)) throw new CannotRun("the secret has characters that can't stand in a header");
    const sealed = keyring.seal(place, value);
    await database.transaction(async (sql) => {
      await writeSecret(sql, place, sealed);
      await note(sql, place.tenantId, { operation: "secrets set", target: inWords(place) });
    });
    say(`Requests of tenant ${place.tenantId} to ${originOf(place)} may name it; workers follow within 5 s`);
    return "done";
  };
}

export function unsetSecret(name: string, options: OriginSecretOptions): Command {
  return async (service) => {
    const place = placeOf(name, options);
    const { database } = await operate(service, "secrets unset");
    const wasThere = await database.transaction(async (sql) => {
      const wasThere = await deleteSecret(sql, place);
      if (wasThere) await note(sql, place.tenantId, { operation: "secrets unset", target: inWords(place) });
      return wasThere;
    });
    if (!wasThere) throw new CannotRun(`tenant ${place.tenantId} has no ${inWords(place)}: see \`secrets list\``);
    say(`Forgotten; workers follow within 5 s`);
    return "done";
  };
}

/** Lists names, never values. */
export function listOriginSecrets(tenant: string | null): Command {
  return async (service) => {
    const { database } = await operate(service, "secrets list");
    const places = (await listSecrets(database, tenant)).filter((place) => originOf(place) !== null);
    if (places.length === 0) say("No secret is stored for requests to URLs");
    for (const place of places) say(`${place.tenantId}  ${place.name}  ${originOf(place)}`);
    return "done";
  };
}

function placeOf(name: string, { tenant, url }: OriginSecretOptions): SecretPlace {
  if (!NAME.test(name))
    throw new CannotRun("the name must be at most 100 letters, digits, dots, hyphens and underscores");
  const mistake = urlMistake(url);
  if (mistake !== null) throw new CannotRun(`--url must be like https://billing.example.com: ${mistake}`);
  const place = placeForOrigin(tenant, new URL(url).origin, name);
  if (place.kind.length > LONGEST_KIND_CHARS) throw new CannotRun("the host in --url is too long");
  return place;
}

function inWords(place: SecretPlace): string {
  return `secret ${place.name} for ${originOf(place)}`;
}
