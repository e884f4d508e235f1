import { isApiUrl, isSecretUrl, type ServiceAccess } from "./access.ts";
import type { HttpService } from "./service.ts";

/** One setting of the environment that a service has. */
export interface ServiceSetting {
  name: string;
  isSecret: boolean;
  isRight(text: string): boolean;
  /** Goes on from "must be". */
  told: string;
}

/** The settings that give all tenants a way to a service: its token or its URL, and where it is. */
export function settingsOf({ name, access, apiUrl }: HttpService): ServiceSetting[] {
  const upper = name.toUpperCase();
  const secret: ServiceSetting = {
    name: `${upper}_${access.kind.toUpperCase()}`,
    isSecret: true,
    isRight: (text) => access.pattern.test(text) && (access.kind === "token" || isSecretUrl(text)),
    told: access.told,
  };
  if (apiUrl === undefined) return [secret];
  const told = "a URL that begins with https:// (http:// for this machine only)";
  return [secret, { name: `${upper}_API_URL`, isSecret: false, isRight: isApiUrl, told }];
}

/** What is set for a service; null: nothing. Every value is right in itself. */
export function accessIn(service: HttpService, settings: Readonly<Record<string, unknown>>): ServiceAccess | null {
  const [secretSetting, urlSetting] = settingsOf(service);
  const read = (setting: ServiceSetting | undefined): string | null => {
    const value = setting && settings[setting.name];
    return typeof value === "string" ? value : null;
  };
  const [secret, url] = [read(secretSetting), read(urlSetting)];
  if (secret === null && (url === null || !service.access.isOptional)) return null;
  const apiUrl = url ?? service.apiUrl ?? null;
  return { secret, apiUrl: apiUrl?.replace(/\/+$/, "") ?? null };
}

/** What is missing beside what is set; null: nothing. */
export function missingBeside(service: HttpService, settings: Readonly<Record<string, unknown>>): string | null {
  const [secret, url] = settingsOf(service);
  if (!secret || !url) return null;
  if (settings[secret.name] && !settings[url.name] && service.apiUrl === null) {
    return `${url.name} must be set when ${secret.name} is: where ${service.title} runs`;
  }
  if (settings[url.name] && !settings[secret.name] && !service.access.isOptional) {
    return `${secret.name} must be set when ${url.name} is`;
  }
  return null;
}
