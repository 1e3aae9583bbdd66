import { validateHeaderName, validateHeaderValue } from "node:http";
import { CommandError } from "../../terminal/command-error.ts";
import { printable } from "../../terminal/printable.ts";

/** Headers that Latchkey sets itself: deduplication at the endpoint depends on them. */
const RESERVED = /^(idempotency-key|latchkey-.*|content-length|transfer-encoding|connection)$/;

/**
 * Parses `Name: value` options to headers by lower-case name.
 * @throws {CommandError} for malformed and reserved headers. The message does not contain the value, which may be a secret.
 */
export function parseHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon === -1 || !isValid(name, value)) {
      throw new CommandError('--header needs the form "Name: value", with characters that HTTP allows');
    }
    if (RESERVED.test(name)) throw new CommandError(`--header cannot set \`${printable(name)}\`: Latchkey sets it`);
    headers[name] = value;
  }
  return headers;
}

function isValid(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
