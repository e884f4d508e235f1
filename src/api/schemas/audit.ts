import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { AuditRow } from "../../store/audit.ts";
import { freeObject, isoInstant } from "./fields.ts";

export const AuditEntry = z
  .strictObject({
    id: z.int(),
    at: isoInstant,
    actor: z.string().describe("Who: `key <id> (<name>)`, `oidc <subject>` or `command line`."),
    operation: z.string().describe("What, as the operations of this document are called, or as a command is."),
    target: z.string().describe("Of what: an address of this API, or a key's id."),
    status: z.int().nullable().describe("The answer's HTTP status: below 300 it was done. Null for commands."),
    address: z.string().nullable().describe("Where the request came from."),
    details: freeObject,
  })
  .meta({
    id: "AuditEntry",
    description: "Who changed what, or tried to.",
    examples: [
      {
        id: 7,
        at: "2026-01-15T11:30:00.480Z",
        actor: "key 4fXq0ZbT9aLw (billing)",
        operation: "setFlag",
        target: "/flags/feedback_submitted",
        status: 200,
        address: "192.0.2.7",
        details: {},
      },
    ],
  });

export function toAuditJson(row: AuditRow): z.output<typeof AuditEntry> {
  const { id, at, actor, operation, target, status, address, details } = row;
  return { id, at: toIso(at), actor, operation, target, status, address, details };
}
