import { isObject, type ObjectLike } from "../internal/is-object.ts";
import { jsonKind } from "../internal/json-kind.ts";

/** The context of a CloudEvent 1.0. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Every attribute, required and extension, as text. Members whose name cannot be an attribute are omitted. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** An attribute with an invalid value. */
export interface InvalidAttribute {
  readonly invalid: string;
  /** Kind of the value that was found, such as `a number`, or `nothing`. */
  readonly found: string;
}

const REQUIRED = ["specversion", "id", "source", "type"] as const;

/** Returns true if a JSON object claims to be a CloudEvent. */
export function claimsCloudEvent(members: ObjectLike): boolean {
  return "specversion" in members;
}

/** Returns true if a JSON value claims to be a batch of CloudEvents: a list with at least one of them. */
export function claimsCloudEventBatch(value: unknown): boolean {
  return Array.isArray(value) && value.some((item) => isObject(item) && claimsCloudEvent(item));
}

/** Returns true for the media type of CloudEvents batches. A batch has no identity of its own. */
export function isCloudEventBatchType(contentType: string): boolean {
  return /^\s*application\/cloudevents-batch\b/i.test(contentType);
}

/**
 * Reads the context of a CloudEvent from its members (the JSON of a structured event), or from its decoded headers without `ce-`.
 * Required attributes must be non-empty strings: JSON parsers round large numbers, so two ids could become one. Extension
 * attributes may also be booleans, and integers of 32 bits, which CloudEvents allows and no parser rounds.
 */
export function readCloudEvent(members: ObjectLike): CloudEvent | InvalidAttribute {
  for (const name of REQUIRED) {
    const value = members[name];
    if (typeof value !== "string" || value === "" || !value.isWellFormed()) {
      return { invalid: name, found: jsonKind(value) };
    }
  }
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) {
    if (name === "data" || !/^[a-z0-9]+$/.test(name) || value === null || value === undefined) continue;
    const text = attributeText(value);
    if (text === undefined) return { invalid: name, found: jsonKind(value) };
    attributes[name] = text;
  }
  const { id = "", source = "", type = "" } = attributes;
  return { id, source, type, attributes };
}

/** Percent-encodes a header value as in the HTTP binding of CloudEvents: all but printable ASCII, and also `"` and `%`. */
export function encodeHeaderAttribute(value: string, unencoded = ""): string {
  return value
    .toWellFormed()
    .replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) => (unencoded.includes(char) ? char : encodeURIComponent(char)));
}

/**
 * Decodes an attribute of a protocol header: one round of percent-decoding, as in the HTTP binding of CloudEvents. A value that is
 * not valid percent-encoded UTF-8 stays unchanged, because many senders do not encode. So the encoded header, the raw header and
 * the structured form of one id are the same id.
 */
export function decodeHeaderAttribute(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Returns the event id of a CloudEvent: a JSON array of source and id, because only both together are unique. */
export function cloudEventId(event: { readonly source: string; readonly id: string }): string {
  return JSON.stringify([event.source, event.id]);
}

/** Returns the event id of an event that is not a CloudEvent. It never equals the event id of a CloudEvent. */
export function opaqueEventId(id: string): string {
  return id.startsWith("[") ? JSON.stringify([id]) : id;
}

const INT32 = 2 ** 31;

function attributeText(value: unknown): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? value : undefined;
  if (typeof value === "number")
    return Number.isInteger(value) && value >= -INT32 && value < INT32 ? String(value) : undefined;
  return typeof value === "boolean" ? String(value) : undefined;
}
