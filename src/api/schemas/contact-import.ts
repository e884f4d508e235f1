import { z } from "zod";
import { MOST_LINES } from "../contacts-csv.ts";

export const ContactsCsv = z
  .string()
  .min(1, "must have a line with the names of its columns, and a line for each contact")
  .meta({
    id: "ContactsCsv",
    description:
      "CSV (RFC 4180) in UTF-8, with the names of the columns in its first line: `entity_type` and `entity_id`; of `name`, `email`, `phone`, " +
      "`time_zone`, `locale`, `manager_type` with `manager_id`, and `address:<channel>` those that are to be set. An empty cell takes from a " +
      `contact what it had; a column that isn't there leaves it. At most ${MOST_LINES} contacts.`,
    example: "entity_type,entity_id,name,email\ninterviewer,INT_100,Interviewer 100,interviewer@example.com\n",
  });

export const ContactImport = z
  .strictObject({
    created: z.int(),
    updated: z.int(),
    unchanged: z.int().describe("Those that said all of it already."),
    bad: z.int().describe("Lines that were left out."),
    bad_lines: z
      .array(
        z.strictObject({
          line: z.int().describe("Where it begins; the line with the columns is 1."),
          field: z.string().nullable(),
          message: z.string(),
        }),
      )
      .describe("What is wrong with each of those, the first 1,000 of them."),
    dry_run: z.boolean().describe("True where nothing was changed, as was asked for."),
  })
  .meta({
    id: "ContactImport",
    examples: [
      {
        ...{ created: 1, updated: 0, unchanged: 0, bad: 1, dry_run: false },
        bad_lines: [{ line: 3, field: "email", message: "must be a single e-mail address" }],
      },
    ],
  });
