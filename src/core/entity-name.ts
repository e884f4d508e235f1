/** Names a contact, or any entity. */
export interface ContactName {
  entityType: string;
  entityId: string;
}

/** The same as it is written and kept. */
export interface EntityName {
  entity_type: string;
  entity_id: string;
}
