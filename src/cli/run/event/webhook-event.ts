import { cloudEventId, opaqueEventId } from "../../../model/cloud-event.ts";
import type { IdFields } from "../../../model/identify/id-selector.ts";
import type { EventProblem } from "./event-problem.ts";
import { type IncomingEvent, JSON_TYPE } from "./incoming-event.ts";
import type { RecordedRequest } from "./recorded-request.ts";
import { SENDERS, type Sender, scopeOf } from "./senders.ts";
import { traceHeaders } from "./trace-context.ts";

/** Identifies the webhook of a known sender. Returns `undefined` for other requests and payloads. */
export function readWebhook(
  fields: IdFields,
  payload: { readonly body: string | Uint8Array; readonly original: string; readonly request?: RecordedRequest },
): IncomingEvent | EventProblem | undefined {
  const sender = SENDERS.find((one) => one.matches(fields));
  if (sender === undefined) return undefined;
  const selected = sender.id(fields);
  if (!("id" in selected)) {
    return { problem: "no-id", of: sender.name, why: "missing" in selected ? selected.missing : selected.refused };
  }
  const { id } = selected;
  const scope = scopeOf(sender, fields);
  if ("refused" in scope) return { problem: "no-id", of: sender.name, why: scope.refused };
  const { path } = scope;
  return {
    format: "webhook",
    eventId: path === "" ? opaqueEventId(id) : cloudEventId({ source: path, id }),
    attributes: { specversion: "1.0", id, source: sender.source?.(fields) ?? path, type: sender.type(fields) },
    headers: payload.request === undefined ? {} : forwardedHeaders(payload.request, sender),
    contentType: contentTypeOf(payload.request),
    body: payload.body,
    original: payload.original,
  };
}

/** Returns the content type of a recorded request. Webhooks without one are JSON. */
export function contentTypeOf(request: RecordedRequest | undefined): string {
  const type = request?.header("content-type")[0];
  return typeof type === "string" && isHeaderValue(type) ? type : JSON_TYPE;
}

/** Omits headers of the original connection, and values that no header can have. */
function forwardedHeaders(request: RecordedRequest, { forwarded }: Sender): Readonly<Record<string, string>> {
  const own = Object.fromEntries(
    request.names.flatMap((name) => {
      const [value] = request.header(name);
      return forwarded.test(name) && typeof value === "string" && isHeaderValue(value) ? [[name, value]] : [];
    }),
  );
  return { ...own, ...traceHeaders((name) => request.header(name)) };
}

function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}
