import type { ContactName } from "./entity-name.ts";

/** Names of entities are no longer than this. */
const LONGEST_PART = 200;

/**
 * A contact as the recipient of a channel that finds its addresses by itself: `interviewer/INT_100`. Everything after the first slash is
 * the id; a slash of the type is written as %2F, so that no two contacts have one text.
 */
export function writeContactAddress({ entityType, entityId }: ContactName): string {
  return `${entityType.replaceAll("%", "%25").replaceAll("/", "%2F")}/${entityId}`;
}

/** Reads it again; null for what names no contact. */
export function readContactAddress(text: string): ContactName | null {
  const slash = text.indexOf("/");
  const written = text.slice(0, Math.max(0, slash));
  if (written.replaceAll("%25", "").replaceAll("%2F", "").includes("%")) return null;
  const [entityType, entityId] = [written.replaceAll("%2F", "/").replaceAll("%25", "%"), text.slice(slash + 1)];
  return isPart(entityType) && isPart(entityId) ? { entityType, entityId } : null;
}

function isPart(text: string): boolean {
  return text.trim() !== "" && text.length <= LONGEST_PART && !/[\p{Cc}\u2028\u2029]/u.test(text);
}
