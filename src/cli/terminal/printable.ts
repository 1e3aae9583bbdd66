/** Maximum length of a printed text, in characters. */
const MAX_LENGTH = 100;

/** Escapes untrusted text for a terminal: one line, at most 100 characters, without control characters. */
export function printable(text: string): string {
  return escaped(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
}

/** Escapes untrusted text of any length: one line, without control characters. */
export function escaped(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
