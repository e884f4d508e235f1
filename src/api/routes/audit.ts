import { z } from "zod";
import { listAudit } from "../../store/audit.ts";
import type { Api } from "../context.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { answers, refuses } from "../responses.ts";
import { AuditEntry, toAuditJson } from "../schemas/audit.ts";

export function auditRoutes(api: Api): void {
  api.get(
    "/audit",
    {
      config: { access: "audit:read" },
      schema: {
        operationId: "readAudit",
        tags: ["Audit"],
        summary: "Read who changed what",
        description:
          "The newest first: every request that changed something or tried to, and what was done with keys, for as long as " +
          "deliveries are kept. Nothing is written down as long as there are no keys, since nobody says who they are.",
        querystring: z.strictObject(pageQuery(z.tuple([z.int().min(1)]))),
        response: { 200: answers(z.array(AuditEntry), "The entries of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listAudit(database, { below: query.cursor?.[0] ?? null, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ id }) => [id] }).map(toAuditJson);
    },
  );
}
