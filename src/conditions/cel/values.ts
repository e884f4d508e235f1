import type { JsonValue } from "../../core/json.ts";
import type { Sizes } from "./cost.ts";

const CHARACTERS_OF_A_VALUE = 100;

/** JSON as the language has it, and how large that is. */
export class Values {
  readonly sizes: Sizes = { values: 0, longest: 0, largest: 0 };

  /**
   * Objects become maps: what they inherit, and what somebody calls `constructor`, is then nothing special. Numbers stay what JSON
   * says, whether they have a fraction or not: doubles.
   */
  take(value: JsonValue): unknown {
    this.sizes.values += 1;
    if (typeof value === "string") return this.#takeText(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      this.sizes.largest = Math.max(this.sizes.largest, value.length);
      return value.map((item) => this.take(item));
    }
    const entries = Object.entries(value);
    this.sizes.largest = Math.max(this.sizes.largest, entries.length);
    return new Map(entries.map(([key, item]) => [this.#takeText(key), this.take(item)]));
  }

  #takeText(text: string): string {
    this.sizes.values += text.length / CHARACTERS_OF_A_VALUE;
    this.sizes.longest = Math.max(this.sizes.longest, text.length);
    return text;
  }
}
