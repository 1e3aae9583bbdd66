/**
 * Returns the source text of a member of a JSON object, to forward a payload byte for byte. Parsing and serialising would
 * round large numbers. Returns the last of several members with the same name, as `JSON.parse` does.
 * @param json a valid JSON object.
 */
export function memberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  let at = skip(json, json.indexOf("{") + 1, isSpace);
  while (json[at] === '"') {
    const keyEnd = endOfString(json, at);
    const isIt = JSON.parse(json.slice(at, keyEnd)) === name;
    const valueAt = skip(json, json.indexOf(":", keyEnd) + 1, isSpace);
    const valueEnd = endOfValue(json, valueAt);
    if (isIt) found = json.slice(valueAt, valueEnd);
    at = skip(json, skip(json, valueEnd, isSpace) + 1, isSpace);
  }
  return found;
}

/**
 * Returns the source texts of the items of a JSON list.
 * @param json a valid JSON list.
 */
export function itemTexts(json: string): readonly string[] {
  const items: string[] = [];
  let at = skip(json, json.indexOf("[") + 1, isSpace);
  while (at < json.length && json[at] !== "]") {
    const end = endOfValue(json, at);
    items.push(json.slice(at, end));
    at = skip(json, skip(json, end, isSpace) + 1, isSpace);
  }
  return items;
}

const isSpace = (char: string): boolean => char === " " || char === "\t" || char === "\n" || char === "\r";
const isInScalar = (char: string): boolean => !isSpace(char) && char !== "," && char !== "}" && char !== "]";

function skip(json: string, from: number, belongs: (char: string) => boolean): number {
  let at = from;
  while (at < json.length && belongs(json.charAt(at))) at += 1;
  return at;
}

function endOfValue(json: string, from: number): number {
  const opening = json[from];
  if (opening === '"') return endOfString(json, from);
  if (opening !== "{" && opening !== "[") return skip(json, from, isInScalar);
  const structural = /["[\]{}]/g;
  structural.lastIndex = from;
  let depth = 0;
  for (let match = structural.exec(json); match !== null; match = structural.exec(json)) {
    if (match[0] === '"') structural.lastIndex = endOfString(json, match.index);
    else depth += match[0] === "{" || match[0] === "[" ? 1 : -1;
    if (depth === 0) return match.index + 1;
  }
  return json.length;
}

/** Returns the end of the string that begins at `from`: after the first quote with an even number of backslashes before it. */
function endOfString(json: string, from: number): number {
  let quote = json.indexOf('"', from + 1);
  while (quote !== -1 && isEscaped(json, quote)) quote = json.indexOf('"', quote + 1);
  return quote === -1 ? json.length : quote + 1;
}

function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json[first - 1] === "\\") first -= 1;
  return (at - first) % 2 === 1;
}
