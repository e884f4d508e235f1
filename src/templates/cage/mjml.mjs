// @ts-check
// Compiles MJML. Plain JavaScript, because the threads of the cage are started from files as they are.

// The one build of the library that reads no files, and has no dependencies, is the one for browsers: it asks for their `window`.
Object.assign(globalThis, { window: globalThis });
const { default: library } = await import("mjml-browser");

/**
 * @typedef {object} Piece What the library must not look into: Liquid, and whose white space counts.
 * @property {string} text
 * @property {string} mark What stands for it meanwhile.
 * @property {number} at Where it stands in the source.
 * @property {number} line The line of its mark, in what the library reads.
 * @property {number} lines How many lines of the source it takes more than its mark.
 */
/** @typedef {{ line: number, tagName: string, message: string }} Complaint */
/** @typedef {(text: string, options: object) => { html: string, errors: Complaint[] }} Compile */

const compile = /** @type {Compile} */ (library);

/** More are told once these are mended. */
const MOST_FLAWS = 20;
const LIQUID = /\{\{(?:"[^"]*"|'[^']*'|(?!\}\})[^"'])*\}\}|\{%(?:"[^"]*"|'[^']*'|(?!%\})[^"'])*%\}/;
const PREFORMATTED = /<pre[\s>][\s\S]*?<\/pre>/;
const APART = new RegExp(`${LIQUID.source}|${PREFORMATTED.source}`, "g");
const TAG = /<!--[\s\S]*?-->|<(\/?)(mj[a-z-]*)(?:"[^"]*"|'[^']*'|[^"'<>])*?(\/?)>|\S/gi;

/**
 * The page that this MJML becomes, with its Liquid as it stands; or what is wrong with it, each a sentence with line and column.
 * @param {string} source
 * @returns {{ html: string | null, flaws: string[] }}
 */
export function compileMjml(source) {
  const { masked, pieces } = mask(source);
  const nesting = nestingFlaw(source, masked, pieces);
  if (nesting !== null) return { html: null, flaws: [nesting] };
  let compiled;
  try {
    // Nothing that its author hasn't named is loaded when the mail is read: no fonts by default.
    compiled = compile(masked, { validationLevel: "soft", fonts: {}, ignoreIncludes: true });
  } catch (error) {
    // What the library stumbles over in its own code says nothing to anybody.
    const isItsOwn = error instanceof TypeError || error instanceof RangeError || !(error instanceof Error);
    return { html: null, flaws: [isItsOwn ? "it can't be read, or is nested too deeply" : error.message] };
  }
  const flaws = compiled.errors.flatMap((complaint) => flawOf(complaint, source, pieces));
  // The library drops what stands where it shows nothing, and says nothing.
  for (const { mark, text, at } of pieces) {
    if (compiled.html.includes(mark)) continue;
    const shown = text.replace(/\s+/g, " ").slice(0, 60);
    flaws.push(
      `${shown} stands where nothing is shown: between elements it needs <mj-raw> around it, ${placeOf(source, at)}`,
    );
  }
  if (flaws.length > 0) return { html: null, flaws: flaws.slice(0, MOST_FLAWS) };
  // Half of what it writes is indentation.
  return { html: unmask(compiled.html.replace(/\n\s*/g, "\n").trimEnd(), pieces), flaws };
}

/** @param {string} source @returns {{ masked: string, pieces: Piece[] }} */
function mask(source) {
  let word = "apart";
  while (source.includes(word)) word += "x";
  /** @type {Piece[]} */
  const pieces = [];
  let line = 1;
  let end = 0;
  const masked = source.replace(APART, (text, at) => {
    const mark = `${word}${pieces.length}z`;
    line += linesIn(source.slice(end, at));
    end = at + text.length;
    pieces.push({ text, mark, at, line, lines: linesIn(text) });
    return mark;
  });
  return { masked, pieces };
}

/** @param {string} text @param {Piece[]} pieces */
function unmask(text, pieces) {
  const [first] = pieces;
  if (!first) return text;
  const word = first.mark.slice(0, -2);
  return text.replace(new RegExp(`${word}(\\d+)z`, "g"), (mark, index) => pieces[Number(index)]?.text ?? mark);
}

/**
 * The library takes tags that don't match, and leaves out what doesn't fit. Null: all is well.
 * @param {string} source @param {string} masked @param {Piece[]} pieces
 */
function nestingFlaw(source, masked, pieces) {
  /** @type {{ name: string, at: number }[]} */
  const open = [];
  let hasRoot = false;
  for (const { 0: found, 1: slash, 2: name, 3: selfClosing, index } of masked.matchAll(TAG)) {
    const place = () => placeOf(source, sourceOffset(index, pieces));
    if (found.startsWith("<!--")) continue;
    const top = open.at(-1);
    if (top === undefined && (hasRoot || name !== "mjml" || slash))
      return `it must be one <mjml>...</mjml> with nothing around it, ${place()}`;
    if (name === undefined) continue;
    if (name !== name.toLowerCase()) return `<${slash}${name}> must be written in small letters, ${place()}`;
    if (name === "mj-include") return `there are no files to include, ${place()}`;
    hasRoot = true;
    if (!slash && !selfClosing) open.push({ name, at: index });
    else if (slash && top?.name !== name) return `</${name}> stands where </${top?.name}> should, ${place()}`;
    else if (slash) open.pop();
  }
  const top = open.at(-1);
  if (top) return `<${top.name}> is not closed, ${placeOf(source, sourceOffset(top.at, pieces))}`;
  return hasRoot ? null : "it must be one <mjml>...</mjml>, line:1, col:1";
}

/**
 * What the library says of an element, for people; nothing where it takes Liquid for a colour that it doesn't know.
 * @param {Complaint} complaint @param {string} source @param {Piece[]} pieces @returns {string[]}
 */
function flawOf({ line, tagName, message }, source, pieces) {
  const [, value] = /has invalid value: (\S+) for type Color/.exec(message) ?? [];
  if (value !== undefined && pieces.some(({ mark }) => mark === value)) return [];
  const sourceLine = pieces.reduce((at, piece) => (piece.line < line ? at + piece.lines : at), line);
  const text = source.split("\n")[sourceLine - 1] ?? "";
  // A name may have whatever its author has written into it.
  const name = tagName.replace(/[^\w-]/g, "\\$&");
  const column = Math.max(0, text.search(new RegExp(`<${name}(?![\\w-])`))) + 1;
  return [`${tagName}: ${unmask(message.trim(), pieces).slice(0, 300)}, line:${sourceLine}, col:${column}`];
}

/** Where in the source that is which stands here in what the library reads. @param {number} at @param {Piece[]} pieces */
function sourceOffset(at, pieces) {
  let shift = 0;
  for (const piece of pieces) {
    if (piece.at - shift >= at) break;
    shift += piece.text.length - piece.mark.length;
  }
  return at + shift;
}

/** @param {string} source @param {number} at */
function placeOf(source, at) {
  const before = source.slice(0, at);
  return `line:${linesIn(before) + 1}, col:${at - before.lastIndexOf("\n")}`;
}

/** @param {string} text */
function linesIn(text) {
  return text.split("\n").length - 1;
}
