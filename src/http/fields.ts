import { UnidentifiedError } from "../errors.ts";
import { isObject, type ObjectLike } from "../internal/is-object.ts";
import { jsonKind } from "../internal/json-kind.ts";
import { expected } from "../internal/validate.ts";
import type { RawRequest } from "./raw-request.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Returns the JSON value of the body, or `undefined` if the body is not JSON in UTF-8. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    return undefined;
  }
}

/**
 * Returns the JSON value of a request: its body, or the field `payload` of a form. `undefined` if there is none. GitHub sends forms
 * unless a hook is set to JSON.
 */
export function jsonValue({ body, headers }: RawRequest): unknown {
  const value = parseJson(body);
  if (value !== undefined || !/^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? ""))
    return value;
  const payload = new URLSearchParams(new TextDecoder().decode(body)).get("payload");
  return payload === null ? undefined : parseJson(new TextEncoder().encode(payload));
}

/** Returns the JSON object in the body. @throws {UnidentifiedError} if there is none. */
export function jsonObject({ body }: RawRequest): ObjectLike {
  const value = parseJson(body);
  if (isObject(value) && !Array.isArray(value)) return value;
  throw new UnidentifiedError("The body is not a JSON object");
}

/** Returns `value`. @throws {TypeError} if it is not the name of a header. */
export function headerName(field: string, value: unknown): string {
  if (typeof value === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(value)) return value;
  throw new TypeError(expected(field, "the name of a header", value));
}

/** Returns a header that occurs once. @throws {UnidentifiedError} if it is missing or occurs more than once. */
export function headerText({ headers }: RawRequest, name: string): string {
  const value = headers.get(name) ?? "";
  if (value === "") throw new UnidentifiedError(`The header \`${name}\` is missing`);
  // `Headers` joins repeated headers with a comma and a space, which no sender's ids contain.
  if (value.includes(", ")) throw new UnidentifiedError(`The header \`${name}\` occurs more than once`);
  return value;
}

const wholeUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns a header value that was sent as UTF-8: `Headers` has one character per byte. Other values stay unchanged. */
export function headerUtf8(value: string): string {
  try {
    return wholeUtf8.decode(Uint8Array.from(value, (char) => char.charCodeAt(0)));
  } catch {
    return value;
  }
}

/**
 * Returns a string member of a JSON object. Numbers are refused because JSON parsers round large ones.
 * @throws {UnidentifiedError} if it is missing or not a well-formed, non-empty string.
 */
export function bodyMember(members: ObjectLike, name: string): string {
  const value = members[name];
  if (typeof value === "string" && value !== "" && value.isWellFormed()) return value;
  const found = value === undefined ? "is missing" : `is not a well-formed, non-empty string but ${jsonKind(value)}`;
  throw new UnidentifiedError(`The member \`${name}\` of the body ${found}`);
}

/** Returns a string member of an object, or `undefined`. */
export function optionalText(value: unknown, name: string): string | undefined {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === "string" && member !== "" && member.isWellFormed() ? member : undefined;
}
