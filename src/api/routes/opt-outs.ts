import { z } from "zod";
import { listOptOuts } from "../../store/opt-outs.ts";
import { wantAgain } from "../answers/want-again.ts";
import { formsOf } from "../channel-check.ts";
import type { Api, ApiContext } from "../context.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { answers, answersNothing, refuses } from "../responses.ts";
import { OptOut, optOutFilters, optOutParams, optOutPosition, toOptOutJson } from "../schemas/answer.ts";

const tags = ["Suppressions"];

export function optOutRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  api.get(
    "/opt-outs",
    {
      config: { access: "suppressions:read" },
      schema: {
        operationId: "listOptOuts",
        tags,
        summary: "List who wants no more of what",
        description: "What people said by *Stop these* in a message. In the order of channels and addresses.",
        querystring: z.strictObject({ ...optOutFilters, ...pageQuery(optOutPosition) }),
        response: { 200: answers(z.array(OptOut), "Those of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listOptOuts(database, {
        channel: query.channel ?? null,
        addresses: query.address === undefined ? null : formsOf(channels, query.channel ?? null, query.address),
        after: query.cursor ?? null,
        limit: limit + 1,
      });
      const positionOf = ({ channel, address, kind, about }: (typeof items)[number]) => [channel, address, kind, about];
      return page(request, reply, { items, limit, positionOf }).map(toOptOutJson);
    },
  );

  api.delete(
    "/opt-outs/:channel/:address/:kind/:about",
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "deleteOptOut",
        tags,
        summary: "Send it to an address again",
        description: "From the next message on. Doing it again changes nothing.",
        params: optOutParams,
        response: { 204: answersNothing("It is sent again."), ...refuses(400, 422) },
      },
    },
    async (request, reply) => {
      const { database, params, actor } = request;
      await database.transaction(async (sql) => {
        for (const address of formsOf(channels, params.channel, params.address))
          await wantAgain(sql, { ...params, address }, actor.name);
      });
      return reply.code(204).send(null);
    },
  );
}
