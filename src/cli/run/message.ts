import { headersOf } from "../../nats/consumer/received-message.ts";
import { type Identify, identifyEvent, type ReceivedMessage } from "../../nats/index.ts";
import { type IncomingEvent, readEvent } from "./incoming.ts";

/** As {@link identifyEvent}, and GitHub webhook deliveries by their delivery id, whatever the message that carries them is called. */
export const identifyMessage: Identify = (message, subscriptionId) => {
  const delivery = deliveryIn(message);
  return delivery === undefined
    ? identifyEvent(message, subscriptionId)
    : { subscriptionId, eventId: delivery.eventId };
};

/** The event that a message carries, to hand on. */
export function eventOf(message: ReceivedMessage, eventId: string): IncomingEvent {
  const attributes = binaryAttributes(message);
  if (attributes === undefined) {
    const reading = readEvent(message.data);
    // By another id it is something else: a message that only looks like an event is handed on as it is.
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

/** The attributes of a CloudEvent in binary mode; undefined when it is none. */
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

/** Attributes travel percent-encoded in headers; one that was not encoded is taken as it stands. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
