import { headersOf } from "../../../nats/consumer/received-message.ts";
import { type Identify, identifyEvent, type ReceivedMessage } from "../../../nats/index.ts";
import { type IncomingEvent, readEvent } from "./read-event.ts";

/** Identifies GitHub deliveries by their delivery id, and other messages as {@link identifyEvent} does. */
export const identifyMessage: Identify = (message, subscriptionId) => {
  const delivery = deliveryIn(message);
  return delivery === undefined
    ? identifyEvent(message, subscriptionId)
    : { subscriptionId, eventId: delivery.eventId };
};

/** Returns the event that a message carries. */
export function eventOf(message: ReceivedMessage, eventId: string): IncomingEvent {
  const attributes = binaryAttributes(message);
  if (attributes === undefined) {
    const reading = readEvent(message.data);
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

function deliveryIn(message: ReceivedMessage): IncomingEvent | undefined {
  if (headersOf(message) === "unreadable" || binaryAttributes(message) !== undefined) return undefined;
  const reading = readEvent(message.data);
  return "event" in reading && reading.event.format === "github-delivery" ? reading.event : undefined;
}

/** Returns the attributes of a CloudEvent in binary mode, or undefined for other messages. */
function binaryAttributes(message: ReceivedMessage): Readonly<Record<string, string>> | undefined {
  const headers = headersOf(message);
  if (headers === undefined || headers === "unreadable") return undefined;
  const attributes: Record<string, string> = {};
  for (const name of headers.keys()) {
    const attribute = /^ce-([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
    if (attribute !== undefined) attributes[attribute] = decoded(headers.get(name));
  }
  return "id" in attributes || "source" in attributes ? attributes : undefined;
}

function headerOf(message: ReceivedMessage, name: string): string | undefined {
  const key = message.headers?.keys().find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : message.headers?.get(key);
}

/** Decodes a percent-encoded attribute. Returns malformed values unchanged. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
