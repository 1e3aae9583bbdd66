/** Returns the anchor that GitHub gives to a heading. The site uses the same anchors, so one link works in both. */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");
}
