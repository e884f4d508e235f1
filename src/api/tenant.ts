/** The tenant of every request, as long as an installation has a single one. */
export const TENANT_ID = "default";
