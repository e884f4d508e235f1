/** What only one ACTIVE reminder may have. */
export interface ReminderKey {
  entityType: string;
  entityId: string;
  eventType: string;
}

/** The same as one text. PostgreSQL keeps no U+0000, so no two keys make the same. */
export function keyOf({ entityType, entityId, eventType }: ReminderKey): string {
  return `${entityType}\0${entityId}\0${eventType}`;
}
