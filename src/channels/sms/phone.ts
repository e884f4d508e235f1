import { parsePhoneNumberFromString } from "libphonenumber-js";
import { InvalidRecipient } from "../channel.ts";

const LONGEST = 40;

/**
 * A phone number as ITU-T E.164 has it, as in +4915112345678; whatever spaces and signs people put between. With its country's code,
 * since nobody knows where it is from. Throws an `InvalidRecipient`.
 */
export function parsePhone(text: string): string {
  const written = text.trim();
  const number =
    written.length <= LONGEST && /^\+[\d\s().\-/]+$/.test(written) ? parsePhoneNumberFromString(written) : undefined;
  // Possible and not valid: numbers that were given out since the library's tables were made are valid as well.
  if (number?.isPossible()) return number.number;
  throw new InvalidRecipient("must be a phone number with its country's code, like +49 151 12345678");
}

/** The same, or null for what is no number. */
export function phoneOf(text: string | null): string | null {
  try {
    return text === null ? null : parsePhone(text);
  } catch (error) {
    if (error instanceof InvalidRecipient) return null;
    throw error;
  }
}
