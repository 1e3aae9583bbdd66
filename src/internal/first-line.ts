/** Returns a text up to its first line end. */
export function firstLine(text: string): string {
  return text.slice(0, text.search(/\n|$/));
}
