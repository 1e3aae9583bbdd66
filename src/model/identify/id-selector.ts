import { jsonKind } from "../../internal/json-kind.ts";
import { callable, expected, text } from "../../internal/validate.ts";
import { decodeHeaderAttribute, opaqueEventId } from "../cloud-event.ts";
import type { Identity } from "../identity.ts";
import { parsePointer } from "./json-pointer.ts";

/** The parts of a line, message or request that can hold an id. */
export interface IdFields {
  /** Returns the values of a header by its lower-case name. Values of a recorded header need not be strings. */
  header(name: string): readonly unknown[];
  /** Returns the JSON value of the payload, or `undefined` if it is not JSON. */
  json(): unknown;
}

/** Result of an {@link IdSelector}. */
export type SelectedId =
  | { readonly id: string }
  /** The field does not exist. */
  | { readonly missing: string }
  /** The field exists, but is not an id. The text says what was found, without the value. */
  | { readonly refused: string };

/** Selects the id of an event. Always returns the same id for the same event. */
export type IdSelector = (fields: IdFields) => SelectedId;

/** The parts of a message that can hold an id, as a NATS client provides them. */
export interface MessageFields {
  /** Headers of the message, by name. */
  readonly headers?: { keys(): Iterable<string>; values(name: string): readonly string[] } | undefined;
  /** Returns the payload. @throws if it is not JSON. */
  json(): unknown;
}

/** An {@link IdSelector} that `consume` accepts as `identify`: it also identifies messages. */
export interface MessageIdSelector extends IdSelector {
  (fields: IdFields): SelectedId;
  (message: MessageFields, subscriptionId: string): Identity | { readonly unidentifiable: string };
}

/**
 * Selects a header. A repeated or empty header is refused. The value of a `ce-*` header is percent-decoded once, as CloudEvents requires.
 * @throws {TypeError} if the name is not a header name.
 */
export function byHeader(name: string): MessageIdSelector {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(text("name", name))) {
    throw new TypeError(expected("name", "the name of a header", name));
  }
  const lowerCase = name.toLowerCase();
  const label = `the header \`${name}\``;
  return messageIdSelector((fields) => {
    const values = fields.header(lowerCase);
    if (values.length > 1) return { refused: `${label} occurs ${values.length} times` };
    const [value] = values;
    if (value === undefined) return { missing: `${label} is missing` };
    const isEncoded = typeof value === "string" && lowerCase.startsWith("ce-");
    return checked(isEncoded ? decodeHeaderAttribute(value) : value, label);
  });
}

/**
 * Selects a member of the JSON payload with a JSON Pointer (RFC 6901). Only strings are ids: JSON parsers round large numbers, so
 * two different ids could become one.
 * @throws {TypeError} if the pointer is malformed.
 */
export function byPointer(pointer: string): MessageIdSelector {
  const resolve = parsePointer(pointer);
  const label = `the member \`${pointer}\``;
  return messageIdSelector((fields) => {
    const value = resolve(fields.json());
    return value === undefined || value === null ? { missing: `${label} is missing` } : checked(value, label);
  });
}

/**
 * Selects the first field that exists. A field that exists but is not an id is refused instead of skipped.
 * @throws {TypeError} without selectors, or for an argument that is none.
 */
export function firstOf(...selectors: readonly IdSelector[]): MessageIdSelector {
  if (selectors.length === 0) throw new TypeError(expected("selectors", "at least one selector", undefined));
  for (const select of selectors) callable("selectors", select);
  return messageIdSelector((fields) => {
    const missing: string[] = [];
    for (const select of selectors) {
      const selected = select(fields);
      if (!("missing" in selected)) return selected;
      missing.push(selected.missing);
    }
    return { missing: missing.join(", and ") };
  });
}

function messageIdSelector(select: IdSelector): MessageIdSelector {
  function selected(fields: IdFields): SelectedId;
  function selected(message: MessageFields, subscriptionId: string): Identity | { readonly unidentifiable: string };
  function selected(
    from: IdFields | MessageFields,
    subscriptionId?: string,
  ): SelectedId | Identity | { readonly unidentifiable: string } {
    if ("header" in from) return select(from);
    const found = select({ header: (name) => headerOf(from, name), json: () => jsonOf(from) });
    if ("id" in found) return { subscriptionId: subscriptionId ?? "", eventId: opaqueEventId(found.id) };
    return { unidentifiable: "missing" in found ? found.missing : found.refused };
  }
  return selected;
}

/** A message that was a dead letter has the headers that the server acts on under another name. */
const ORIGINAL = "latchkey-original-";

function headerOf({ headers }: MessageFields, lowerCase: string): readonly string[] {
  for (const wanted of lowerCase.startsWith("nats-") ? [ORIGINAL + lowerCase, lowerCase] : [lowerCase]) {
    const names = [...(headers?.keys() ?? [])].filter((name) => name.toLowerCase() === wanted);
    const values = names.flatMap((name) => headers?.values(name) ?? []);
    if (values.length > 0) return values;
  }
  return [];
}

function jsonOf(message: MessageFields): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}

/** Parses a field of a command line: a JSON Pointer if it begins with `/`, or a header. @throws {TypeError} */
export function parseSelector(field: string): IdSelector {
  return field.startsWith("/") ? byPointer(field) : byHeader(field);
}

function checked(value: unknown, label: string): SelectedId {
  const isId = typeof value === "string" && value !== "" && value.isWellFormed();
  return isId ? { id: value } : { refused: `${label} is ${jsonKind(value)}, not a non-empty string` };
}
