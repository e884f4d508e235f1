import type { Renderable } from "./context.ts";
import { styleOf, templateContext } from "./context.ts";
import { BrokenTemplate, type DateStyle, fillIn } from "./liquid.ts";
import { type Rendered, writeMessage } from "./write.ts";

export type { Renderable } from "./context.ts";
export type { Rendered } from "./write.ts";

/**
 * Writes a message in this thread: the reminder's own `subject` and `message` filled in, or the built-in words where it has none.
 * For those who have no `Writer`, which does the same in the cage. Throws `BrokenTemplate` with a sentence that names the field.
 */
export function renderMessage(message: Renderable): Rendered {
  const { subject, message: body } = message.reminder;
  const scope = templateContext(message);
  const style = styleOf(message);
  return writeMessage(message, {
    subject: fillInField("subject", subject, scope, style),
    body: fillInField("message", body, scope, style),
  });
}

function fillInField(
  field: "subject" | "message",
  template: string | null,
  scope: Record<string, unknown>,
  style: DateStyle,
): string {
  if (template === null) return "";
  try {
    return fillIn(template, scope, style);
  } catch (error) {
    if (error instanceof BrokenTemplate)
      throw new BrokenTemplate(`the reminder's ${field} is broken: ${error.message}`);
    throw error;
  }
}
