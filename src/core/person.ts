import type { Contact } from "./reminder.ts";

/** A contact, as far as it matters to whom a message goes and how. */
export type Person = Omit<Contact, "tenantId" | "createdAt" | "updatedAt">;
