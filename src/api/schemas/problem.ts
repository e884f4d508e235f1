import { z } from "zod";

export const FieldErrors = z.array(
  z.strictObject({
    in: z.enum(["body", "query", "path", "header"]),
    field: z.string().describe("The field, its parents joined by dots; empty for the whole."),
    pointer: z.string().describe("The same as a JSON Pointer (RFC 6901)."),
    message: z.string().describe("What would be right."),
  }),
);

/** RFC 9457. */
export const ProblemDetails = z
  .strictObject({
    type: z.string().describe("Names the kind of problem; stable, for programs."),
    title: z.string().describe("The kind of problem in words."),
    status: z.int().describe("The HTTP status."),
    detail: z.string().describe("What is the matter with this request, and what to do."),
    errors: FieldErrors.optional().describe("Each field that is wrong."),
  })
  .meta({
    id: "Problem",
    description: "Why a request was refused (RFC 9457).",
    examples: [
      {
        type: "urn:reminder-engine:problem:invalid-request",
        title: "Something in the request isn't right",
        status: 422,
        detail: "interval_minutes must be at least 1",
        errors: [
          { in: "body", field: "interval_minutes", pointer: "/interval_minutes", message: "must be at least 1" },
        ],
      },
    ],
  });
