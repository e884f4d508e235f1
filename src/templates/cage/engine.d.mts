export declare const MAX_TEMPLATE_LENGTH: number;
export declare const MAX_OUTPUT_LENGTH: number;
export declare class BrokenTemplate extends Error {
  override name: "BrokenTemplate";
}
export interface FillOptions {
  html?: boolean;
  strict?: boolean;
}
export declare function checkTemplate(text: string, options?: { html?: boolean }): string | null;
export declare function namesIn(text: string): string[];
export declare function fillIn(
  text: string,
  scope: Record<string, unknown>,
  style: { timeZone: string; locale: string },
  options?: FillOptions,
): string;
