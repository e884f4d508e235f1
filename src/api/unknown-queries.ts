import { z } from "zod";
import type { Api } from "./context.ts";

const NOTHING = z.strictObject({});

/**
 * Has every operation that takes a body, and no query, refuse one: whoever adds `?dry_run=true` where nothing knows it is not to find
 * everything done. Providers and senders of events may have their reasons. Call it before the routes are added.
 */
export function refuseUnknownQueries(api: Api): void {
  api.addHook("onRoute", ({ schema, config }) => {
    if (!schema?.body || schema.querystring || !config?.access?.includes(":")) return;
    Object.assign(schema, { querystring: NOTHING });
  });
}
