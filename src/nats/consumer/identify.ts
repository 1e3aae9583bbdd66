import type { MsgHdrs } from "@nats-io/nats-core";
import { isObject, type ObjectLike } from "../../internal/is-object.ts";
import {
  claimsCloudEvent,
  claimsCloudEventBatch,
  cloudEventId,
  decodeHeaderAttribute,
  isCloudEventBatchType,
  opaqueEventId,
} from "../../model/cloud-event.ts";
import type { Identity } from "../../model/identity.ts";
import { headerValues } from "../dead-letters/letter-headers.ts";
import { headersOf, type ReceivedMessage } from "./received-message.ts";

/** Result of {@link Identify} for a message without an identity. */
export interface Unidentifiable {
  /** Why the message has no identity, without its content. */
  readonly unidentifiable: string;
}

/**
 * Returns the identity of a message's event, always the same for the same event. If it returns none, or throws, the message
 * becomes a dead letter and is never dispatched.
 */
export type Identify = (message: ReceivedMessage, subscriptionId: string) => Identity | Unidentifiable;

/**
 * Identifies a CloudEvent, in binary mode (headers `ce-source` and `ce-id`) or as structured JSON. Identifies any other message by its
 * header `Nats-Msg-Id`, or by that of the original of a dead letter.
 *
 * A CloudEvent's event id is the JSON array of its source and id; header values are percent-decoded once. Another message's event id is
 * its `Nats-Msg-Id`; one that begins with `[` becomes a JSON array of itself. So no two events share an id.
 */
export const identifyEvent: Identify = (message, subscriptionId) => {
  const { data } = message;
  const headers = headersOf(message);
  if (headers === "unreadable") return { unidentifiable: "its headers cannot be read" };
  const found = fromContentType(headers, data) ?? fromHeaders(headers) ?? fromBody(data) ?? fromMessageId(headers);
  if (found === undefined) {
    return {
      unidentifiable:
        "it is not a CloudEvent (headers `ce-source` and `ce-id`, or structured JSON) and has no `Nats-Msg-Id`",
    };
  }
  return typeof found === "string" ? { subscriptionId, eventId: found } : found;
};

/** Each event of a batch has its own identity, so the message has none. */
const BATCH: Unidentifiable = {
  unidentifiable: "it is a batch of CloudEvents, which have an identity each: publish one event per message",
};

/** `undefined` continues with the next source. A message that declares its format is read only in that format. */
type Found = string | Unidentifiable | undefined;

function fromContentType(headers: MsgHdrs | undefined, body: Uint8Array): Found {
  const [contentType = ""] = headerValues(headers, "content-type");
  if (isCloudEventBatchType(contentType)) return BATCH;
  if (!/^application\/cloudevents(\+json)?[ \t]*(;|$)/i.test(contentType)) return undefined;
  const members = parseObject(body);
  return members === undefined
    ? { unidentifiable: "its `content-type` is a CloudEvent's, but its body is not a JSON object" }
    : structuredId(members);
}

function fromHeaders(headers: MsgHdrs | undefined): Found {
  const sources = headerValues(headers, "ce-source");
  const ids = headerValues(headers, "ce-id");
  if (sources.length === 0 && ids.length === 0) return undefined;
  const source = singleValue(sources);
  const id = singleValue(ids);
  return source === undefined || id === undefined
    ? {
        unidentifiable: `its header \`${source === undefined ? "ce-source" : "ce-id"}\` is missing, repeated or unreadable`,
      }
    : cloudEventId({ source: decodeHeaderAttribute(source), id: decodeHeaderAttribute(id) });
}

function fromBody(body: Uint8Array): Found {
  const value = looksLikeJson(body) ? parseJson(body) : undefined;
  if (claimsCloudEventBatch(value)) return BATCH;
  return isMembers(value) && claimsCloudEvent(value) ? structuredId(value) : undefined;
}

function fromMessageId(headers: MsgHdrs | undefined): Found {
  const values = headerValues(headers, "nats-msg-id");
  if (values.length === 0) return undefined;
  const id = singleValue(values);
  return id === undefined
    ? { unidentifiable: "its header `Nats-Msg-Id` is repeated or unreadable" }
    : opaqueEventId(id);
}

function structuredId(members: ObjectLike): string | Unidentifiable {
  const { source, id } = members;
  return isText(source) && isText(id)
    ? cloudEventId({ source, id })
    : { unidentifiable: `it is a CloudEvent whose \`${isText(source) ? "id" : "source"}\` is not a non-empty string` };
}

function singleValue(values: readonly string[]): string | undefined {
  const [value] = values;
  // The client decodes every byte that is not UTF-8 to U+FFFD: different ids would become one.
  return values.length === 1 && isText(value) && !value.includes("\uFFFD") ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.isWellFormed();
}

/** `{` and `[`. */
const OPENING: ReadonlySet<number | undefined> = new Set([0x7b, 0x5b]);
const BYTE_ORDER_MARK_AND_SPACE: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d]);

/** Avoids parsing a body that cannot be an object or a list. */
function looksLikeJson(body: Uint8Array): boolean {
  return OPENING.has(body.find((byte) => !BYTE_ORDER_MARK_AND_SPACE.has(byte)));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parseObject(body: Uint8Array): ObjectLike | undefined {
  const value = parseJson(body);
  return isMembers(value) ? value : undefined;
}

function isMembers(value: unknown): value is ObjectLike {
  return isObject(value) && !Array.isArray(value);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    return undefined;
  }
}
