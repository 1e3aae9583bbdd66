import type { JsMsg } from "@nats-io/jetstream";
import { Match, type MsgHdrs } from "@nats-io/nats-core";
import { claimsCloudEvent, cloudEventId } from "../../model/cloud-event.ts";
import type { Identity } from "../../model/identity.ts";
import { headersOf } from "./message-headers.ts";

/** A message as a dispatch sees it: the acknowledging is not its business. */
export type ReceivedMessage = Omit<JsMsg, "ack" | "ackAck" | "nak" | "next" | "term" | "working">;

/** Why a message has no identity, in words that tell nothing of its content. */
export interface Unidentifiable {
  readonly unidentifiable: string;
}

/**
 * Says which event a message is, always the same for the same event. A message that it cannot identify, or on which it
 * throws, is dead-lettered and never dispatched.
 */
export type Identify = (message: ReceivedMessage, subscriptionId: string) => Identity | Unidentifiable;

/**
 * The identity of a CloudEvent, in binary mode (headers `ce-source` and `ce-id`) or structured as JSON; else the header
 * `Nats-Msg-Id`. No two different ones share an identity: a CloudEvent's event id is the JSON array of its source and id,
 * as they stand in the message without further decoding; that of another message is its `Nats-Msg-Id`, and where that
 * begins with `[`, a JSON array of it alone.
 */
export const identifyEvent: Identify = (message, subscriptionId) => {
  const { data } = message;
  const headers = headersOf(message);
  if (headers === "unreadable") return { unidentifiable: "its headers cannot be read" };
  const found = fromContentType(headers, data) ?? fromHeaders(headers) ?? fromBody(data) ?? fromMessageId(headers);
  if (found === undefined) {
    return {
      unidentifiable:
        "it is no CloudEvent (headers `ce-source` and `ce-id`, or structured JSON) and has no `Nats-Msg-Id`",
    };
  }
  return typeof found === "string" ? { subscriptionId, eventId: found } : found;
};

/** Where a message says what it is, nothing else is tried: a guess could take one event for another. */
type Found = string | Unidentifiable | undefined;

function fromContentType(headers: MsgHdrs | undefined, body: Uint8Array): Found {
  const [contentType = ""] = valuesOf(headers, "content-type");
  if (!/^application\/cloudevents(\+json)?[ \t]*(;|$)/i.test(contentType)) return undefined;
  const members = parseObject(body);
  return members === undefined
    ? { unidentifiable: "its `content-type` says CloudEvent, and its body is no JSON object" }
    : structuredId(members);
}

function fromHeaders(headers: MsgHdrs | undefined): Found {
  const sources = valuesOf(headers, "ce-source");
  const ids = valuesOf(headers, "ce-id");
  if (sources.length === 0 && ids.length === 0) return undefined;
  const source = theOnlyOne(sources);
  const id = theOnlyOne(ids);
  return source === undefined || id === undefined
    ? {
        unidentifiable: `its header \`${source === undefined ? "ce-source" : "ce-id"}\` is missing, double or unreadable`,
      }
    : cloudEventId({ source, id });
}

function fromBody(body: Uint8Array): Found {
  const members = looksLikeObject(body) ? parseObject(body) : undefined;
  return members !== undefined && claimsCloudEvent(members) ? structuredId(members) : undefined;
}

function fromMessageId(headers: MsgHdrs | undefined): Found {
  const values = valuesOf(headers, "nats-msg-id");
  if (values.length === 0) return undefined;
  const id = theOnlyOne(values);
  if (id === undefined) return { unidentifiable: "its header `Nats-Msg-Id` is double or unreadable" };
  return id.startsWith("[") ? JSON.stringify([id]) : id;
}

function structuredId(members: Readonly<Record<string, unknown>>): string | Unidentifiable {
  const { source, id } = members;
  return isText(source) && isText(id)
    ? cloudEventId({ source, id })
    : { unidentifiable: `it is a CloudEvent whose \`${isText(source) ? "id" : "source"}\` is no text` };
}

/** By name in any case, as CloudEvents asks and as gateways change it. */
function valuesOf(headers: MsgHdrs | undefined, name: string): readonly string[] {
  return headers?.values(name, Match.IgnoreCase) ?? [];
}

function theOnlyOne(values: readonly string[]): string | undefined {
  const [value] = values;
  // The client decodes bytes that are no UTF-8 to U+FFFD, all to the same.
  return values.length === 1 && isText(value) && !value.includes("\uFFFD") ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.isWellFormed();
}

const OPENING_BRACE = 0x7b;
const BYTE_ORDER_MARK_AND_SPACE: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d]);

/** Spares the parsing of bodies that cannot be an object. */
function looksLikeObject(body: Uint8Array): boolean {
  return body.find((byte) => !BYTE_ORDER_MARK_AND_SPACE.has(byte)) === OPENING_BRACE;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(body));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
