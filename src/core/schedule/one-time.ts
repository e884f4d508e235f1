/** A one-time reminder has a single due instant, its first; nothing comes after it. */
export function nextOneTime(): null {
  return null;
}
