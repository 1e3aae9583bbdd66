import { UnidentifiedError } from "../../errors.ts";
import { flag } from "../../internal/validate.ts";
import {
  claimsCloudEvent,
  decodeHeaderAttribute,
  isCloudEventBatchType,
  readCloudEvent,
} from "../../model/cloud-event.ts";
import { jsonObject } from "../fields.ts";
import type { RawRequest } from "../raw-request.ts";
import type { EventReference, Source } from "../source.ts";

/** Options of {@link cloudEvents}. */
export interface CloudEventsOptions {
  /** Verifies requests; CloudEvents have no signature of their own. Without it, every request is accepted. */
  readonly verify?: NonNullable<Source["verify"]>;
  /** True if `verify` proves that the sender signed the attributes `source` and `id`. @default false */
  readonly signsId?: boolean;
}

/**
 * CloudEvents over HTTP, in binary or structured mode. Batches are refused: send their events one by one.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function cloudEvents({ verify, signsId = false }: CloudEventsOptions = {}): Source {
  return { name: "cloudevents", signsId: flag("signsId", signsId), ...(verify && { verify }), identify };
}

function identify(request: RawRequest): EventReference {
  const contentType = request.headers.get("content-type") ?? "";
  if (isCloudEventBatchType(contentType)) {
    throw new UnidentifiedError("The request is a batch of CloudEvents. Send the events one by one");
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
    if (name.startsWith("ce-")) attributes[name.slice("ce-".length)] = decodeHeaderAttribute(value);
  }
  return attributes;
}
