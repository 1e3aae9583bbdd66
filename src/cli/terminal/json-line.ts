/**
 * Returns a value as a line of JSON. Escapes control, bidirectional and invisible characters, so that a terminal shows them and the
 * parsed value stays the same.
 */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapedUnits)}\n`;
}

function escapedUnits(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}
