/** The embedded server can't be had. The message is one line for the user that says why and what to do. */
export class EmbeddedError extends Error {
  override name = "EmbeddedError";
}
