/** Controls, bidirectional marks, zero-width characters and line separators. They can make two ids look alike. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Longer texts are cut in the middle, because no view can show them, and ids differ at their ends. */
const MAX_LENGTH = 2_000;
const END_LENGTH = 200;

/** Fields that identify something and are never cut. */
const KEYS = ["storeKey", "id"];

/** Makes a foreign text safe to show: invisible characters become visible codes, and a very long text is cut. */
export function visibleText(text: string): string {
  const shown = text.length > MAX_LENGTH ? cut(text) : text;
  return shown.replace(INVISIBLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

function cut(text: string): string {
  return `${text.slice(0, MAX_LENGTH - END_LENGTH)}… (${text.length} characters) …${text.slice(-END_LENGTH)}`;
}

/** Parses JSON from the server, with every text made safe to show. */
export function parseVisible(json: string): unknown {
  return JSON.parse(json, (name, value: unknown) =>
    typeof value === "string" && !KEYS.includes(name) ? visibleText(value) : value,
  );
}
