/** What an actor may do. */
export const SCOPES = [
  "reminders:read",
  "reminders:write",
  "flags:read",
  "flags:write",
  "contacts:read",
  "contacts:write",
  "calendars:read",
  "calendars:write",
  "templates:read",
  "templates:write",
  "policies:read",
  "policies:write",
  "audit:read",
  "events:write",
  "event-rules:read",
  "event-rules:write",
  "suppressions:read",
  "suppressions:write",
] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(name: string): name is Scope {
  return (SCOPES as readonly string[]).includes(name);
}
