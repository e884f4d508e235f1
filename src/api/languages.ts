const MOST_ACCEPTED = 10;

/** The first of these languages that something is said in, else what is said first of all. Each is a tag like `de-AT`. */
export function firstSpoken<Said extends { language: string }>(
  all: readonly [Said, ...Said[]],
  tags: readonly (string | null | undefined)[],
): Said {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split(/[-_]/, 1)[0];
    const found = all.find((said) => said.language === language);
    if (found) return found;
  }
  return all[0];
}

/** The languages of a header `Accept-Language`, the dearest first. */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? "")
    .slice(0, 500)
    .split(",")
    .slice(0, MOST_ACCEPTED)
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().split(/\s*;\s*/);
      const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);
}
