import { isObject, type ObjectLike } from "../../../internal/is-object.ts";
import { claimsCloudEvent, cloudEventId, opaqueEventId, readCloudEvent } from "../../../model/cloud-event.ts";
import type { EventProblem } from "./event-problem.ts";
import { gitHubAttributes, gitHubHeaders } from "./github-delivery.ts";
import { memberText } from "./member-text.ts";

/** An event to dispatch. */
export interface IncomingEvent {
  readonly format: "cloud-event" | "github-delivery" | "opaque";
  readonly eventId: string;
  /** CloudEvents attributes of the event. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Additional headers to forward. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined without a payload. */
  readonly contentType: string | undefined;
  /** Payload, unchanged. */
  readonly body: string | Uint8Array;
  /** The whole line or message, unchanged. */
  readonly original: string | Uint8Array;
}

export type Reading = { readonly event: IncomingEvent } | EventProblem;

const utf8 = new TextDecoder("utf-8", { fatal: true });
const JSON_TYPE = "application/json";

/** Parses a line with a CloudEvent in JSON, or a GitHub webhook delivery: `{ "headers": {…}, "body": … }`. */
export function readEvent(bytes: Uint8Array): Reading {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { problem: "not-utf-8" };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "not-json" };
  }
  if (!isObject(value) || Array.isArray(value)) return { problem: "not-an-object" };
  if (claimsCloudEvent(value)) return readStructured(value, text);
  const headers = gitHubHeaders(value);
  return headers === undefined ? { problem: "unknown-format" } : readDelivery(value, headers, text);
}

function readStructured(members: ObjectLike, text: string): Reading {
  const context = readCloudEvent(members);
  if ("missing" in context) return { problem: "no-attribute", attribute: context.missing };
  const { datacontenttype, ...attributes } = context.attributes;
  const payload = structuredPayload(members, text, datacontenttype);
  if ("problem" in payload) return payload;
  const eventId = cloudEventId(context);
  return { event: { format: "cloud-event", eventId, attributes, headers: {}, original: text, ...payload } };
}

type Payload = Pick<IncomingEvent, "body" | "contentType">;

function structuredPayload(members: ObjectLike, text: string, contentType: string | undefined): Payload | EventProblem {
  const { data, data_base64: encoded } = members;
  if (encoded !== undefined && encoded !== null) {
    if (typeof encoded !== "string" || !isBase64(encoded)) return { problem: "not-base64" };
    return { body: Buffer.from(encoded, "base64"), contentType: contentType ?? "application/octet-stream" };
  }
  if (data === undefined || data === null) return { body: "", contentType: undefined };
  const isJson = contentType === undefined || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
  if (typeof data === "string" && !isJson) return { body: data, contentType };
  return { body: memberText(text, "data") ?? "", contentType: contentType ?? JSON_TYPE };
}

function readDelivery(delivery: ObjectLike, headers: Readonly<Record<string, string>>, text: string): Reading {
  const id = headers["x-github-delivery"] ?? "";
  if (id === "") return { problem: "no-delivery-id" };
  const member = "body" in delivery ? "body" : "payload";
  const payload = delivery[member];
  if (typeof payload !== "string" && (!isObject(payload) || Array.isArray(payload))) return { problem: "no-payload" };
  const { "content-type": contentType = JSON_TYPE, ...sentAlong } = headers;
  return {
    event: {
      format: "github-delivery",
      eventId: opaqueEventId(id),
      attributes: gitHubAttributes(id, headers, payload),
      headers: sentAlong,
      contentType,
      body: typeof payload === "string" ? payload : (memberText(text, member) ?? ""),
      original: text,
    },
  };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
