import type { MsgHdrs } from "@nats-io/nats-core";
import { decodeHeaderAttribute, isCloudEventBatchType, opaqueEventId } from "../../../model/cloud-event.ts";
import type { IdFields } from "../../../model/identify/id-selector.ts";
import { headersOf } from "../../../nats/consumer/received-message.ts";
import { headerValues } from "../../../nats/dead-letters/letter-headers.ts";
import { type Identify, identifyEvent, type ReceivedMessage } from "../../../nats/index.ts";
import { problemText } from "./event-problem.ts";
import type { IncomingEvent } from "./incoming-event.ts";
import { readEvent, type Selection } from "./read-event.ts";
import { traceHeaders } from "./trace-context.ts";

/**
 * Identifies messages by --id if it is given. Otherwise identifies recorded webhooks by their own id, whatever `Nats-Msg-Id` the
 * message has, and other messages as {@link identifyEvent} does.
 */
export function messageIdentifier(selection: Selection): Identify {
  return (message, subscriptionId) => {
    const headers = headersOf(message);
    if (headers === "unreadable") return identifyEvent(message, subscriptionId);
    if (isBatch(headers)) return { unidentifiable: "it is a batch of CloudEvents: publish one event per message" };
    if (selection.id !== undefined) return identifySelected(message, subscriptionId, selection);
    const reading = binaryAttributes(message) === undefined ? readEvent(message.data) : undefined;
    if (reading !== undefined && "event" in reading && reading.event.format === "webhook") {
      return { subscriptionId, eventId: reading.event.eventId };
    }
    const found = identifyEvent(message, subscriptionId);
    const isUnknown = reading === undefined || !("problem" in reading) || reading.problem === "not-json";
    if (!("unidentifiable" in found) || isUnknown) return found;
    return { unidentifiable: `${found.unidentifiable}; its body: ${problemText(reading)}` };
  };
}

function identifySelected(
  message: ReceivedMessage,
  subscriptionId: string,
  selection: Selection,
): ReturnType<Identify> {
  const reading = readEvent(message.data, selection, transportOf(message));
  if ("event" in reading) return { subscriptionId, eventId: reading.event.eventId };
  if (reading.problem === "no-id") return { unidentifiable: reading.why };
  if (reading.problem === "batch" && reading.of === "CloudEvents") return { unidentifiable: problemText(reading) };
  // The body is not a JSON object: only the headers can contain the id.
  const selected = selection.id?.({ ...transportOf(message), json: () => undefined });
  if (selected !== undefined && "id" in selected) return { subscriptionId, eventId: opaqueEventId(selected.id) };
  return { unidentifiable: problemText(reading) };
}

function transportOf(message: ReceivedMessage): Pick<IdFields, "header"> {
  const headers = headersOf(message);
  return { header: (name) => (headers === undefined || headers === "unreadable" ? [] : headerValues(headers, name)) };
}

function isBatch(headers: MsgHdrs | undefined): boolean {
  return headers !== undefined && headerValues(headers, "content-type").some(isCloudEventBatchType);
}

/** Returns the event that a message carries, with the message's trace context. */
export function messageEvent(message: ReceivedMessage, eventId: string, selection: Selection = {}): IncomingEvent {
  const event = carriedBy(message, eventId, selection);
  const transport = transportOf(message);
  return { ...event, headers: { ...event.headers, ...traceHeaders((name) => transport.header(name)) } };
}

function carriedBy(message: ReceivedMessage, eventId: string, selection: Selection): IncomingEvent {
  const attributes = binaryAttributes(message);
  if (attributes === undefined) {
    const reading = readEvent(message.data, selection, transportOf(message));
    // With another id, the message only resembles an event and is forwarded unchanged.
    if ("event" in reading && reading.event.eventId === eventId) return reading.event;
  }
  return {
    format: attributes === undefined ? "opaque" : "cloud-event",
    eventId,
    attributes: attributes ?? {},
    headers: {},
    contentType: headerOf(message, "content-type") ?? "application/octet-stream",
    body: message.data,
    original: message.data,
  };
}

/** Returns the payload of a message's event, for its fingerprint. */
export function payloadOf(message: ReceivedMessage, selection: Selection): string | Uint8Array {
  const reading =
    binaryAttributes(message) === undefined ? readEvent(message.data, selection, transportOf(message)) : undefined;
  return reading !== undefined && "event" in reading ? reading.event.body : message.data;
}

/** Returns the decoded attributes of a CloudEvent in binary mode, or `undefined` for other messages. */
function binaryAttributes(message: ReceivedMessage): Readonly<Record<string, string>> | undefined {
  const headers = headersOf(message);
  if (headers === undefined || headers === "unreadable") return undefined;
  const attributes: Record<string, string> = {};
  for (const name of headers.keys()) {
    const attribute = /^ce-([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
    if (attribute !== undefined) attributes[attribute] = decodeHeaderAttribute(headers.get(name));
  }
  return "id" in attributes || "source" in attributes ? attributes : undefined;
}

function headerOf(message: ReceivedMessage, name: string): string | undefined {
  const key = message.headers?.keys().find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : message.headers?.get(key);
}
