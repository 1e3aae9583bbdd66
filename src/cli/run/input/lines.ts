/** A line of the input without its line end. Numbers start at 1. */
export type InputLine =
  | { readonly number: number; readonly bytes: Buffer }
  | { readonly number: number; readonly tooLongBytes: number };

/** Maximum length of a line. GitHub payloads have at most 25 MB. */
export const MAX_LINE_BYTES = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines. Buffers at most one line of at most `maxBytes`, and skips the rest of a longer one.
 * Counts blank lines but does not yield them.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<InputLine, void> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;

  const add = (part: Uint8Array): void => {
    length += part.byteLength;
    if (length > maxBytes) parts = [];
    else if (part.byteLength > 0) parts.push(part);
  };
  const take = (): InputLine | undefined => {
    const line = length > maxBytes ? { number, tooLongBytes: length } : { number, bytes: Buffer.concat(parts) };
    parts = [];
    length = 0;
    number += 1;
    return "bytes" in line && isBlank(line.bytes) ? undefined : line;
  };

  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      from = end + 1;
      const line = take();
      if (line !== undefined) yield line;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) {
    const line = take();
    if (line !== undefined) yield line;
  }
}

/** Returns true for JSON white space: space, tab and carriage return. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
