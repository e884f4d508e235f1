import type { Cage, MjmlCage } from "../templates/cage/cage.ts";
import { Killed } from "../templates/cage/caged-thread.ts";
import { MAX_TEMPLATE_LENGTH } from "../templates/liquid.ts";
import type { TemplateTexts } from "../templates/template.ts";
import { type FieldError, fieldError, invalid } from "./problem.ts";

/** Where users' templates are read: their Liquid, and their MJML. */
export interface TemplateCages {
  cage: Cage;
  mjmlCage: MjmlCage;
}

type Texts = Pick<TemplateTexts, "subject" | "text" | "html" | "mjml">;

/** What is found out about a template when it is read. */
interface Read {
  /** The page: as it was given, or compiled. */
  html: string | null;
  /** Whether it speaks of the reminder's own message. */
  framesOwn: boolean;
}

/** Reads a template's texts in the cages. Throws a 422 that names each field that is broken, with line and column. */
export async function checkTemplateTexts(
  cages: TemplateCages,
  tenant: string,
  { subject, text, html, mjml }: Texts,
  within: readonly string[] = [],
): Promise<Read> {
  const refusal = (field: string, sentence: string): FieldError => fieldError("body", [...within, field], sentence);
  if (html !== null && mjml !== null) {
    throw invalid([refusal("html", "must be left out beside `mjml`, from which it is compiled")]);
  }
  try {
    const { flaws, names } = await readLiquid(cages, tenant, { subject, text, html, mjml });
    if (flaws.length > 0) {
      throw invalid(flaws.map(({ name, flaw }) => refusal(name, `must be a Liquid template: ${flaw}`)));
    }
    const framesOwn = names.includes("message");
    if (mjml === null) return { html, framesOwn };
    const compiled = await compile(cages, tenant, mjml);
    if (compiled.html === null) throw invalid(compiled.flaws.map((flaw) => refusal("mjml", `must be MJML: ${flaw}`)));
    return { html: compiled.html, framesOwn };
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    throw invalid([
      fieldError("body", [...within], `must be a template that is quickly read: this one ${error.message}`),
    ]);
  }
}

async function readLiquid({ cage }: TemplateCages, tenant: string, said: Texts) {
  const texts = Object.entries(said).flatMap(([name, text]) =>
    text === null ? [] : [{ name, text, html: name === "html" || name === "mjml" }],
  );
  const result = await cage.run(tenant, { kind: "check", texts });
  if (result.kind !== "checked") throw new Error("the template could not be read");
  return result;
}

/** The page that this MJML becomes; a template has to be one in there as well: an element may be shown twice, or elsewhere. */
async function compile(cages: TemplateCages, tenant: string, mjml: string) {
  const job = { kind: "compile", text: mjml, mostChars: MAX_TEMPLATE_LENGTH } as const;
  const { html, flaws } = await cages.mjmlCage.run(tenant, job).catch(flawOfKilled);
  if (html === null) return { html, flaws };
  const read = await readLiquid(cages, tenant, { subject: null, text: "", html, mjml: null });
  if (read.flaws.length === 0) return { html, flaws };
  // Where in the page it is would only mislead.
  const torn = read.flaws.map(({ flaw }) => `it tears its Liquid apart: ${flaw.replace(/, line:\d+, col:\d+$/, "")}`);
  return { html: null, flaws: torn };
}

function flawOfKilled(error: unknown): { html: null; flaws: string[] } {
  if (!(error instanceof Killed)) throw error;
  return { html: null, flaws: [`it ${error.message} to compile`] };
}
