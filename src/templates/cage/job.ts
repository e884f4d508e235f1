import type { DateStyle } from "../liquid.ts";

/** One text of a job: filled in by its name. */
export interface CagedText {
  name: string;
  text: string;
  /** True where it is HTML, and what is put into it is not. */
  html: boolean;
  /** True where what follows may speak of it by its name. */
  isOwn?: boolean;
}

/** What a thread is asked to do. */
export type Job =
  | { kind: "check"; texts: readonly CagedText[] }
  | {
      kind: "fill";
      texts: readonly CagedText[];
      scope: Record<string, unknown>;
      style: DateStyle;
      /** What a text speaks of and isn't there is a mistake; not in a reminder's own words. */
      strict: boolean;
    };

/** What a thread that compiles MJML is asked to do. */
export interface CompileJob {
  kind: "compile";
  text: string;
  /** A page that has more is none. */
  mostChars: number;
}

/** What comes of that: the page, or the sentences that say what is wrong. */
export interface Compiled {
  kind: "compiled";
  html: string | null;
  flaws: string[];
}

/** What comes of it. A flaw is a sentence with line and column. */
export type Result =
  | { kind: "checked"; flaws: { name: string; flaw: string }[]; names: string[] }
  | { kind: "filled"; filled: Record<string, string> }
  | { kind: "broken"; name: string; flaw: string };
