import type { FastifyInstance, FastifyRequest } from "fastify";
import { Problem } from "../problem.ts";
import type { Form } from "./wish.ts";

/** More than any form of ours, or of a mail program, has. */
export const MOST_FORM_BYTES = 4 * 1024;
const MEDIA_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data"];
const MOST_FIELDS = 20;

/** Reads forms, and nothing else: as browsers send them, and as RFC 8058 lets mail programs send theirs. */
export function readForms(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    MEDIA_TYPES,
    { parseAs: "buffer", bodyLimit: MOST_FORM_BYTES },
    async (request: FastifyRequest, body: Buffer) => toForm(body, request.headers["content-type"] ?? ""),
  );
}

async function toForm(body: Buffer, type: string): Promise<Form> {
  try {
    const fields = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
    const texts = [...fields]
      .slice(0, MOST_FIELDS)
      .filter((field): field is [string, string] => typeof field[1] === "string");
    return new Map(texts);
  } catch {
    throw new Problem(400, "the body is no form");
  }
}
