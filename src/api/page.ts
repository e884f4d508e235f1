import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { integer } from "./schemas/fields.ts";

export const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const LONGEST_CURSOR = 4_000;

/** The query parameters of a list that is read page by page; a cursor holds the last item's `position`. */
export function pageQuery<Position extends z.ZodType>(position: Position, most = MAX_LIMIT) {
  return {
    limit: integer({ min: 1, max: most })
      .meta({
        description: `Items of a page at most; ${Math.min(DEFAULT_LIMIT, most)} if left out.`,
        example: Math.min(DEFAULT_LIMIT, most),
      })
      .optional(),
    cursor: z
      .string()
      .transform((cursor, ctx): z.output<Position> => {
        const read = position.safeParse(decode(cursor));
        if (read.success) return read.data;
        const message = 'must be the cursor of a link to the next page (header Link, rel="next") of this same list';
        ctx.issues.push({ code: "custom", message, input: cursor });
        return z.NEVER;
      })
      .meta({ description: 'Where the page begins: from the `Link` header (`rel="next"`) of the page before.' })
      .optional(),
  };
}

/** The items of a page out of the one item more that was asked for, and the header that links to the next page. */
export function page<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { items, limit, positionOf }: { items: T[]; limit: number; positionOf: (last: T) => unknown },
): T[] {
  if (items.length <= limit) return items;
  const shown = items.slice(0, limit);
  const last = shown.at(-1) as T;
  reply.header("link", `<${nextUrl(request.url, encode(positionOf(last)))}>; rel="next"`);
  return shown;
}

function nextUrl(url: string, cursor: string): string {
  const [path = "", query = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.set("cursor", cursor);
  return `${path}?${parameters}`;
}

function encode(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function decode(cursor: string): unknown {
  if (cursor.length > LONGEST_CURSOR) return undefined;
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}
