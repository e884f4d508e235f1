import { BrokenTemplate } from "../templates/liquid.ts";
import { type Rendered, renderMessage } from "../templates/render.ts";
import { type Message, Permanent } from "./channel.ts";

/** What the message says, as it was written, or written now; one that can't be written is a permanent failure, and its sentence says where it is broken. */
export function render(message: Message): Rendered {
  try {
    return message.written ?? renderMessage(message);
  } catch (error) {
    if (error instanceof BrokenTemplate) throw new Permanent(error.message);
    throw error;
  }
}
