import { expected } from "../../internal/validate.ts";

/** Resolves a JSON value to the member that a JSON Pointer (RFC 6901) names, or `undefined`. */
export type JsonPointer = (value: unknown) => unknown;

/** Parses a JSON Pointer such as `/data/order~1id`. @throws {TypeError} if it is malformed. */
export function parsePointer(pointer: string): JsonPointer {
  if (!/^(\/([^~]|~[01])*)?$/su.test(pointer)) {
    throw new TypeError(expected("pointer", 'a JSON Pointer such as "/data/id"', pointer));
  }
  const tokens = pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (value) => tokens.reduce(member, value);
}

function member(value: unknown, token: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(token)) return undefined;
  return Object.hasOwn(value, token) ? Reflect.get(value, token) : undefined;
}
