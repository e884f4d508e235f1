const [QUOTE, BACKSLASH, COLON, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = [...'"\\:{[}]'].map((letter) =>
  letter.charCodeAt(0),
);

/** What can be told of JSON before anything is made of it. Of what is no JSON it may be wrong: that is refused anyway. */
export interface JsonOutline {
  /** How many objects and lists stand within each other. Not counted beyond `most`. */
  depth: number;
  /** Members of objects as they are written, names that are there twice included. */
  members: number;
}

/** Looks at the bytes alone, and stops where they are nested deeper than `most`. */
export function outline(body: Buffer, most: number): JsonOutline {
  let [depth, deepest, members] = [0, 0, 0];
  let isInString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === COLON) members += 1;
    else if (byte === OPEN || byte === OPEN_LIST) {
      depth += 1;
      deepest = Math.max(deepest, depth);
      if (depth > most) break;
    } else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
  }
  return { depth: deepest, members };
}

/**
 * How many members all objects in a value have: fewer than were written where a name was there twice. The value comes from JSON
 * that isn't nested deeply, and so inherits nothing that could be counted.
 */
export function countMembers(value: unknown): number {
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object" && item !== null) members += countMembers(item);
  } else if (typeof value === "object" && value !== null) {
    for (const name in value) {
      const inner = (value as Record<string, unknown>)[name];
      members += 1;
      if (typeof inner === "object" && inner !== null) members += countMembers(inner);
    }
  }
  return members;
}

const PUNCTUATION: ReadonlySet<string> = new Set("{}[],:");

/** Strings, and what objects and lists are made of. By hand, as a pattern runs out of its stack within a string of some megabytes. */
function* tokensOf(json: string): Generator<string> {
  for (let at = 0; at < json.length; at += 1) {
    const letter = json[at] as string;
    if (letter === '"') {
      const begin = at;
      for (at += 1; at < json.length && json[at] !== '"'; at += 1) if (json[at] === "\\") at += 1;
      yield json.slice(begin, at + 1);
    } else if (PUNCTUATION.has(letter)) yield letter;
  }
}

/** Where JSON has a name for the second time in one object, its parents first; null where it has none. */
export function findRepeated(json: string): (string | number)[] | null {
  /** Of each object and list that is open: where in it we are, and the names so far; null in a list. */
  const open: { at: string | number; names: Set<string> | null }[] = [];
  let last = "";
  for (const token of tokensOf(json)) {
    const inner = open.at(-1);
    if (token === "{") open.push({ at: "", names: new Set() });
    else if (token === "[") open.push({ at: 0, names: null });
    else if (token === "}" || token === "]") open.pop();
    else if (token === "," && typeof inner?.at === "number") inner.at += 1;
    else if (token === ":" && inner?.names) {
      inner.at = JSON.parse(last) as string;
      if (inner.names.has(inner.at)) return open.map(({ at }) => at);
      inner.names.add(inner.at);
    }
    last = token;
  }
  return null;
}
