/** How an SMS is written, and in how many parts it travels (3GPP TS 23.038 and 23.040). Pure. */
export interface SmsSegments {
  encoding: "GSM-7" | "UCS-2";
  /** Septets of GSM-7, or 16-bit units of UCS-2. */
  units: number;
  /** Messages that are paid for. */
  parts: number;
  /** How many more units fit into the last part. */
  unitsLeft: number;
}

/** Units of a message that is alone, and of each part of one that isn't: the rest of those says which part it is. */
const SINGLE = { "GSM-7": 160, "UCS-2": 70 };
const PART = { "GSM-7": 153, "UCS-2": 67 };

// The default alphabet of 3GPP TS 23.038, §6.2.1; what is in its extension (§6.2.1.1) takes two septets.
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("\f^{}\\[~]|€");

/** One character that isn't in the alphabet makes the whole message cost more than twice as much. These have a plain double in it. */
const PLAIN: Readonly<Record<string, string>> = {
  "\u00A0": " ",
  "\u2002": " ",
  "\u2003": " ",
  "\u2007": " ",
  "\u2009": " ",
  "\u200A": " ",
  "\u202F": " ",
  "\t": " ",
  "\u2028": "\n",
  "\u2029": "\n",
  "\u00AD": "",
  "\u200B": "",
  "\u2060": "",
  "\uFEFF": "",
  "\u2018": "'",
  "\u2019": "'",
  "\u201A": "'",
  "\u201B": "'",
  "\u2032": "'",
  "\u2039": "'",
  "\u203A": "'",
  "\u0060": "'",
  "\u00B4": "'",
  "\u201C": '"',
  "\u201D": '"',
  "\u201E": '"',
  "\u201F": '"',
  "\u2033": '"',
  "\u00AB": '"',
  "\u00BB": '"',
  "\u2010": "-",
  "\u2011": "-",
  "\u2012": "-",
  "\u2013": "-",
  "\u2014": "-",
  "\u2015": "-",
  "\u2212": "-",
  "\u2026": "...",
  "\u2022": "-",
  "\u00B7": "-",
};

/**
 * The same text with typographic quotes, dashes and spaces replaced by those of GSM-7, and accents composed (NFC), which is what its
 * alphabet has. Letters of other scripts and emoji stay: they can't be said otherwise.
 */
export function toGsm7Friendly(text: string): string {
  return text
    .normalize("NFC")
    .replace(/\r\n?/g, "\n")
    .replace(/[^\x20-\x5F\x61-\x7E\n]/g, (character) => PLAIN[character] ?? character);
}

/** In how many parts this text is sent, as it stands. No character and no pair is cut in two by a part's end. */
export function smsSegments(text: string): SmsSegments {
  const isGsm7 = [...text].every((character) => BASIC.has(character) || EXTENDED.has(character));
  const encoding = isGsm7 ? "GSM-7" : "UCS-2";
  const sizes = [...text].map((character) => (isGsm7 ? (EXTENDED.has(character) ? 2 : 1) : character.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  if (units <= SINGLE[encoding]) {
    return { encoding, units, parts: units === 0 ? 0 : 1, unitsLeft: SINGLE[encoding] - units };
  }
  let parts = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > PART[encoding]) {
      parts += 1;
      used = 0;
    }
    used += size;
  }
  return { encoding, units, parts, unitsLeft: PART[encoding] - used };
}
