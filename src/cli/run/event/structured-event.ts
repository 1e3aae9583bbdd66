import type { ObjectLike } from "../../../internal/is-object.ts";
import { memberText } from "../../../internal/json-text.ts";
import { cloudEventId, readCloudEvent } from "../../../model/cloud-event.ts";
import { decodeBase64 } from "./base64.ts";
import type { EventProblem } from "./event-problem.ts";
import { type IncomingEvent, JSON_TYPE } from "./incoming-event.ts";

/** Reads a CloudEvent in the JSON format. */
export function readStructured(members: ObjectLike, text: string): IncomingEvent | EventProblem {
  const context = readCloudEvent(members);
  if ("invalid" in context) return { problem: "invalid-attribute", attribute: context.invalid, found: context.found };
  const { datacontenttype, ...attributes } = context.attributes;
  const payload = structuredPayload(members, text, datacontenttype);
  if ("problem" in payload) return payload;
  return {
    format: "cloud-event",
    eventId: cloudEventId(context),
    attributes,
    headers: {},
    original: text,
    ...payload,
  };
}

type Payload = Pick<IncomingEvent, "body" | "contentType">;

function structuredPayload(members: ObjectLike, text: string, contentType: string | undefined): Payload | EventProblem {
  const { data, data_base64: encoded } = members;
  if (encoded !== undefined && encoded !== null) {
    const body = typeof encoded === "string" ? decodeBase64(encoded) : undefined;
    if (body === undefined) return { problem: "not-base64", member: "data_base64" };
    return { body, contentType: contentType ?? "application/octet-stream" };
  }
  if (data === undefined || data === null) return { body: "", contentType: undefined };
  const isJson = contentType === undefined || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
  if (typeof data === "string" && !isJson) return { body: data, contentType };
  return { body: memberText(text, "data") ?? "", contentType: contentType ?? JSON_TYPE };
}
