import { isObject } from "../../../internal/is-object.ts";
import { jsonKind } from "../../../internal/json-kind.ts";
import {
  claimsCloudEvent,
  claimsCloudEventBatch,
  cloudEventId,
  decodeHeaderAttribute,
  isCloudEventBatchType,
  opaqueEventId,
  readCloudEvent,
} from "../../../model/cloud-event.ts";
import type { IdFields, IdSelector } from "../../../model/identify/id-selector.ts";
import type { EventProblem } from "./event-problem.ts";
import { type IncomingEvent, JSON_TYPE } from "./incoming-event.ts";
import { type RecordedRequest, readRecordedRequest } from "./recorded-request.ts";
import { readStructured } from "./structured-event.ts";
import { traceHeaders } from "./trace-context.ts";
import { contentTypeOf, readWebhook } from "./webhook-event.ts";

export type EventReading = { readonly event: IncomingEvent } | EventProblem;

/** Fields that --id, --type and --subject select. */
export interface Selection {
  readonly id?: IdSelector;
  readonly type?: IdSelector;
  readonly subject?: IdSelector;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

const NO_TRANSPORT = { header: (): readonly unknown[] => [] };

/**
 * Reads a line: a CloudEvent, a recorded request, the payload of a known sender, or any JSON object with --id.
 * @param transport headers of the message that contains the line; --id, --type and --subject prefer them.
 */
export function readEvent(
  bytes: Uint8Array,
  selection: Selection = {},
  transport: Pick<IdFields, "header"> = NO_TRANSPORT,
): EventReading {
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
  if (Array.isArray(value)) {
    return {
      problem: "batch",
      of: claimsCloudEventBatch(value) ? "CloudEvents" : "values",
      separateWith: "jq -c '.[]'",
    };
  }
  if (!isObject(value)) return { problem: "not-an-object", found: jsonKind(value) };
  const request = claimsCloudEvent(value) ? undefined : readRecordedRequest(value, text);
  const fields = idFields(request, value);
  const found = claimsCloudEvent(value) ? readStructured(value, text) : readUnstructured(fields, request, text);
  return selected(found, selection, withTransport(fields, transport), request, text);
}

function idFields(request: RecordedRequest | undefined, value: unknown): IdFields {
  if (request === undefined) return { header: () => [], json: () => value };
  let json: { readonly value: unknown } | undefined;
  return {
    header: (name) => request.header(name),
    json() {
      json ??= { value: request.json() };
      return json.value;
    },
  };
}

function withTransport(fields: IdFields, transport: Pick<IdFields, "header">): IdFields {
  return {
    header(name) {
      const values = transport.header(name);
      return values.length > 0 ? values : fields.header(name);
    },
    json: () => fields.json(),
  };
}

function readUnstructured(
  fields: IdFields,
  request: RecordedRequest | undefined,
  text: string,
): IncomingEvent | EventProblem {
  const value = fields.json();
  if (isObject(value) && Array.isArray(value["Records"])) {
    const records = request === undefined ? ".Records[]" : `${request.jsonFilter} | .Records[]`;
    return { problem: "batch", of: "records", separateWith: `jq -c '${records}'` };
  }
  if (request === undefined)
    return readWebhook(fields, { body: text, original: text }) ?? { problem: "unknown-format" };
  const { body } = request;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return body;
  const type = request.header("content-type")[0];
  if ((typeof type === "string" && isCloudEventBatchType(type)) || claimsCloudEventBatch(value)) {
    return { problem: "batch", of: "CloudEvents", separateWith: `jq -c '${request.jsonFilter} | .[]'` };
  }
  return (
    readBinary(request, body, text) ??
    readEmbedded(value, body, text) ??
    readWebhook(fields, { body, original: text, request }) ?? { problem: "unknown-sender" }
  );
}

/** Reads a recorded CloudEvent in binary mode. */
function readBinary(
  request: RecordedRequest,
  body: string | Uint8Array,
  original: string,
): IncomingEvent | EventProblem | undefined {
  const names = request.names.filter((name) => /^ce-[a-z0-9]+$/.test(name));
  if (!names.some((name) => name === "ce-id" || name === "ce-source")) return undefined;
  const members: Record<string, unknown> = {};
  for (const name of names) {
    const [value, ...others] = request.header(name);
    // A repeated header is a list, which no attribute can be.
    const single = others.length === 0 ? value : request.header(name);
    members[name.slice("ce-".length)] = typeof single === "string" ? decodeHeaderAttribute(single) : single;
  }
  const context = readCloudEvent(members);
  if ("invalid" in context) return { problem: "invalid-attribute", attribute: context.invalid, found: context.found };
  const { attributes } = context;
  return {
    format: "cloud-event",
    eventId: cloudEventId(context),
    attributes,
    headers: traceHeaders((name) => request.header(name)),
    contentType: contentTypeOf(request),
    body,
    original,
  };
}

/** Reads a structured CloudEvent in the body of a recorded request. */
function readEmbedded(
  value: unknown,
  body: string | Uint8Array,
  original: string,
): IncomingEvent | EventProblem | undefined {
  if (!isObject(value) || Array.isArray(value) || !claimsCloudEvent(value)) return undefined;
  const found = readStructured(value, typeof body === "string" ? body : Buffer.from(body).toString());
  return "problem" in found ? found : { ...found, original };
}

function selected(
  found: IncomingEvent | EventProblem,
  { id, type, subject }: Selection,
  fields: IdFields,
  request: RecordedRequest | undefined,
  text: string,
): EventReading {
  const overrides: Record<string, string> = {};
  for (const [name, select] of Object.entries({ type, subject })) {
    const value = select?.(fields);
    if (value !== undefined && "refused" in value) return { problem: "no-id", of: `--${name}`, why: value.refused };
    if (value !== undefined && "id" in value) overrides[name] = value.id;
  }
  if (id === undefined) {
    return "problem" in found ? found : { event: { ...found, attributes: { ...found.attributes, ...overrides } } };
  }
  const value = id(fields);
  if (!("id" in value)) {
    return { problem: "no-id", of: "--id", why: "missing" in value ? value.missing : value.refused };
  }
  const eventId = opaqueEventId(value.id);
  if (!("problem" in found)) {
    return { event: { ...found, eventId, attributes: { ...found.attributes, ...overrides } } };
  }
  const body = request === undefined ? text : request.body;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return body;
  return {
    event: {
      format: "opaque",
      eventId,
      attributes: { specversion: "1.0", id: value.id, source: UNNAMED_SOURCE, type: "event", ...overrides },
      headers: {},
      contentType: request === undefined ? JSON_TYPE : contentTypeOf(request),
      body,
      original: text,
    },
  };
}

/** CloudEvents source of events that --id identifies. */
const UNNAMED_SOURCE = "/latchkey/run";
