/** An isolated customer of one installation, by name. */
export type Tenant = string;

/** Whom everything belongs to where nobody says otherwise. */
export const DEFAULT_TENANT: Tenant = "default";

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** The sentence to which a name has to fit, to be put behind "a tenant's name is ". */
export const TENANT_NAME_RULE =
  "1 to 63 small letters, digits, hyphens and underscores, and begins with a letter or a digit";

/** True for what can be a tenant's name. Nothing in it needs quoting anywhere: in SQL, in a URL, in a log. */
export function isTenantName(text: string): boolean {
  return NAME.test(text);
}
