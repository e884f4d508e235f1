import { ACCESS_SECRET, readAccess, toStored } from "../channels/services/access.ts";
import type { HttpService } from "../channels/services/service.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface ServiceOptions {
  tenant: string;
  secretFile?: string;
  apiUrl?: string;
  /** True: without a secret. */
  open?: boolean;
}

/** Gives a tenant a way of its own to a service, in place of any it had. */
export function setService(
  service: HttpService,
  { tenant: tenantId, secretFile, apiUrl = "", open = false }: ServiceOptions,
): Command {
  const { name, title, access } = service;
  const what = access.kind === "token" ? `${title} token` : `${title} URL`;
  const secretOption = { what, option: "--secret-file", command: `channels set ${name} ...` };
  return async (program) => {
    await setChannel(program, {
      ...{ tenantId, channel: name, hasSecrets: !open },
      read: async () => {
        const secret = open ? null : await readSecret(secretFile, secretOption);
        const read = readAccess(service, { secret, apiUrl: apiUrl === "" ? null : apiUrl });
        if (typeof read === "string") throw new CannotRun(read);
        return { settings: toStored(read), secrets: read.secret === null ? {} : { [ACCESS_SECRET]: read.secret } };
      },
    });
    say(`Tenant ${tenantId} writes to ${title} by an access of its own; workers follow within 5 s`);
    return "done";
  };
}
