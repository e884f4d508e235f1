import { randomBytes } from "node:crypto";

/** A secret that is planted somewhere, unlike any other text. */
export interface Canary {
  name: string;
  value: string;
}

export function canary(name: string): Canary {
  return { name, value: `Canary.${randomBytes(9).toString("hex")}` };
}

/** What a secret may look like where it leaks: as it is, in the encodings that protocols and dumps use, and upside down. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  // In base64, what stands before a text decides how it looks: of three ways, the middle is the same in each.
  const shifted = [0, 1, 2].map((by) => {
    const text = Buffer.concat([Buffer.alloc(by), bytes]).toString("base64");
    return text.slice(by === 0 ? 0 : 4, -4);
  });
  return [value, value.toLowerCase(), encodeURIComponent(value), bytes.toString("hex"), ...shifted, reversed(value)];
}

function reversed(text: string): string {
  return [...text].reverse().join("");
}

export interface Place {
  name: string;
  text: string;
}

/** Where which canary sings, with a little of what stands around it. */
export function heard(canaries: readonly Canary[], places: readonly Place[]): string[] {
  return places.flatMap(({ name, text }) =>
    canaries.flatMap((bird) => {
      const form = formsOf(bird.value).find((it) => text.includes(it));
      if (form === undefined) return [];
      const at = text.indexOf(form);
      return [`${bird.name} in ${name}: ${text.slice(Math.max(0, at - 120), at + form.length + 20)}`];
    }),
  );
}
