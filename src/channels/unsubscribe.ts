import type { Message } from "./channel.ts";

/**
 * Where a mail program unsubscribes with one click, by a POST and without a page: where the step of its policy wants that, and RFC
 * 8058 wants HTTPS. Null where there is no such address: then the headers `List-Unsubscribe` and `List-Unsubscribe-Post` are left out.
 */
export function unsubscribeUrl({ links, addressed }: Pick<Message, "links" | "addressed">): string | null {
  if (!addressed?.unsubscribes || addressed.tells) return null;
  return links?.stop.startsWith("https://") ? links.stop : null;
}
