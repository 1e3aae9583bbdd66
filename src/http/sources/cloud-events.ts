import { UnidentifiedError } from "../../errors.ts";
import { itemTexts } from "../../internal/json-text.ts";
import { flag, oneOf } from "../../internal/validate.ts";
import {
  claimsCloudEvent,
  decodeHeaderAttribute,
  isCloudEventBatchType,
  readCloudEvent,
} from "../../model/cloud-event.ts";
import { headerUtf8, jsonObject, parseJson } from "../fields.ts";
import type { RawRequest } from "../raw-request.ts";
import type { EventReference, Source } from "../source.ts";

/** Options of {@link cloudEvents}. */
export interface CloudEventsOptions {
  /** Verifies requests; CloudEvents have no signature of their own. Without it, every request is accepted. */
  readonly verify?: NonNullable<Source["verify"]>;
  /** True if `verify` proves that the sender signed the attributes `source` and `id`. @default false */
  readonly signsId?: boolean;
  /**
   * `"refuse"` answers a batch with 400. `"split"` dispatches its events one after the other, each once. A sender that repeats a
   * batch because of one event gets the others suppressed as duplicates. @default "refuse"
   */
  readonly batches?: (typeof BATCHES)[number];
}

const BATCHES = ["refuse", "split"] as const;

/**
 * CloudEvents over HTTP, in binary or structured mode, and in batches if `batches` allows them.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function cloudEvents({ verify, signsId = false, batches = "refuse" }: CloudEventsOptions = {}): Source {
  return {
    name: "cloudevents",
    signsId: flag("signsId", signsId),
    ...(verify && { verify }),
    ...(oneOf("batches", batches, BATCHES) === "split" && { split }),
    identify,
  };
}

/** Keeps the text of each event: parsing and serialising would round large numbers. */
function split(request: RawRequest): readonly RawRequest[] | undefined {
  if (!isCloudEventBatchType(request.headers.get("content-type") ?? "")) return undefined;
  if (!Array.isArray(parseJson(request.body))) throw new UnidentifiedError("The batch is not a JSON list");
  const headers = new Headers(request.headers);
  headers.set("content-type", "application/cloudevents+json");
  const events = itemTexts(new TextDecoder().decode(request.body));
  return events.map((event) => ({ ...request, headers, body: new TextEncoder().encode(event) }));
}

function identify(request: RawRequest): EventReference {
  const contentType = request.headers.get("content-type") ?? "";
  if (isCloudEventBatchType(contentType)) {
    throw new UnidentifiedError(
      "The request is a batch of CloudEvents. Send the events one by one, or let the receiver split batches",
    );
  }
  const isStructured = /^application\/cloudevents\b/i.test(contentType);
  const members = isStructured ? jsonObject(request) : binaryAttributes(request.headers);
  if (!claimsCloudEvent(members)) throw new UnidentifiedError("The request has no CloudEvents attributes");
  const event = readCloudEvent(members);
  if ("invalid" in event) {
    throw new UnidentifiedError(
      `The CloudEvents attribute \`${event.invalid}\` is not a non-empty string but ${event.found}`,
    );
  }
  const { id, source, type } = event;
  return { id, source, type };
}

function binaryAttributes(headers: Headers): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name.startsWith("ce-")) attributes[name.slice("ce-".length)] = decodeHeaderAttribute(headerUtf8(value));
  }
  return attributes;
}
