/** Shorter ones are hardly secret, and hiding every "a" would make the text unreadable. */
const SHORTEST_SECRET = 6;
export const HIDDEN = "[hidden]";

/** Makes a function that hides these secrets in a text, as they are and as they stand in a JSON string. */
export function hider(secrets: readonly (string | null | undefined)[]): (text: string) => string {
  const known = secrets.filter((secret) => typeof secret === "string" && secret.length >= SHORTEST_SECRET) as string[];
  const forms = [...new Set(known.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))];
  return (text) => forms.reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}
