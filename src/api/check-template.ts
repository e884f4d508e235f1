import type { Cage } from "../templates/cage/cage.ts";
import { Killed } from "../templates/cage/caged-thread.ts";
import type { TemplateTexts } from "../templates/template.ts";
import { fieldError, invalid } from "./problem.ts";

/**
 * Reads a template's texts in the cage. Throws a 422 that names each field that is broken, with line and column. Tells whether it
 * speaks of the reminder's own message.
 */
export async function checkTemplateTexts(
  cage: Cage,
  tenant: string,
  { subject, text, html }: Pick<TemplateTexts, "subject" | "text" | "html">,
  within: readonly string[] = [],
): Promise<{ framesOwn: boolean }> {
  const texts = Object.entries({ subject, text, html }).flatMap(([name, text]) =>
    text === null ? [] : [{ name, text, html: name === "html" }],
  );
  try {
    const result = await cage.run(tenant, { kind: "check", texts });
    if (result.kind !== "checked") throw new Error("the template could not be read");
    const errors = result.flaws.map(({ name, flaw }) =>
      fieldError("body", [...within, name], `must be a Liquid template: ${flaw}`),
    );
    if (errors.length > 0) throw invalid(errors);
    return { framesOwn: result.names.includes("message") };
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    throw invalid([
      fieldError("body", [...within], `must be a template that is quickly read: this one ${error.message}`),
    ]);
  }
}
