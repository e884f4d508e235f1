import { z } from "zod";
import {
  activateVersion,
  listVersions,
  lockTemplate,
  readTemplate,
  readVersion,
  type TemplateRow,
} from "../../store/templates.ts";
import type { Api } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { conditionsOf, isUnconditional, mustPermit } from "../etag-conditions.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { answers, refuses } from "../responses.ts";
import {
  keyOf,
  Template,
  TemplateVersion,
  TemplateVersionSummary,
  templateParams,
  toTemplateJson,
  toVersionJson,
  toVersionSummaryJson,
  versionParams,
} from "../schemas/template.ts";
import { refuseBody } from "../validation.ts";

const PATH = "/templates/:event_type/:channel/:locale/versions";
const tags = ["Templates"];

export function templateVersionRoutes(api: Api): void {
  api.get(
    PATH,
    {
      config: { access: "templates:read" },
      schema: {
        operationId: "listTemplateVersions",
        tags,
        summary: "List a template's versions",
        description:
          "The newest first; the newest hundred are kept, and the active one. Those of a deleted template too.",
        params: templateParams,
        querystring: z.strictObject(pageQuery(z.tuple([z.int().positive()]))),
        response: { 200: answers(z.array(TemplateVersionSummary), "The versions of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, params, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const below = query.cursor?.[0] ?? null;
      const items = await listVersions(database, keyOf(params), { below, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ version }) => [version] }).map(toVersionSummaryJson);
    },
  );

  api.get(
    `${PATH}/:version`,
    {
      config: { access: "templates:read" },
      schema: {
        operationId: "getTemplateVersion",
        tags,
        summary: "Read a version of a template",
        description: "As it was saved.",
        params: versionParams,
        response: { 200: answers(TemplateVersion, "The version."), ...refuses(404, 422) },
      },
    },
    async ({ params, database }) => {
      const version = await readVersion(database, keyOf(params), params.version);
      if (!version) throw noVersion(params.version);
      return toVersionJson(version);
    },
  );

  api.post(
    `${PATH}/:version/activate`,
    {
      config: { access: "templates:write" },
      preValidation: refuseBody,
      schema: {
        operationId: "activateTemplateVersion",
        tags,
        summary: "Go back to a version of a template",
        description: "Messages are written in it from now on. Where it is the active one already, nothing changes.",
        params: versionParams,
        response: { 200: answers(Template, "It is the active one."), ...refuses(400, 404, 412, 422) },
      },
    },
    async (request, reply) => {
      const { params, database } = request;
      const key = keyOf(params);
      const conditions = conditionsOf(request);
      const template = await database.transaction(async (sql) => {
        const present = await lockTemplate(sql, key);
        const isDone = present?.version === params.version;
        if (!isUnconditional(conditions)) {
          mustPermit(conditions, present && recordEtag(toTemplateJson(present)), { isDone });
        }
        if (!(await readVersion(sql, key, params.version))) throw noVersion(params.version);
        if (!isDone) await activateVersion(sql, key, params.version);
        return (await readTemplate(sql, key)) as TemplateRow;
      });
      return tagged(reply, recordEtag, toTemplateJson(template));
    },
  );
}

function noVersion(version: number) {
  return notFound(`there is no version ${version} of this template: see its versions`);
}
