import { UnidentifiedError } from "../../errors.ts";
import { claimsCloudEvent, readCloudEvent } from "../../model/cloud-event.ts";
import { jsonObject } from "../fields.ts";
import type { RawRequest } from "../raw-request.ts";
import type { EventReference, Source } from "../source.ts";

export interface CloudEventsOptions {
  /** Verifies requests; CloudEvents have no signature of their own. Without it, every request is accepted. */
  readonly verify?: NonNullable<Source["verify"]>;
}

/**
 * CloudEvents over HTTP, in binary or structured mode. Batches are refused: send their events one by one.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function cloudEvents({ verify }: CloudEventsOptions = {}): Source {
  return { name: "cloudevents", signsId: verify !== undefined, ...(verify && { verify }), identify };
}

function identify(request: RawRequest): EventReference {
  const contentType = request.headers.get("content-type") ?? "";
  if (/^application\/cloudevents-batch\b/i.test(contentType)) {
    throw new UnidentifiedError("The request is a batch of CloudEvents. Send the events one by one");
  }
  const isStructured = /^application\/cloudevents\b/i.test(contentType);
  const members = isStructured ? jsonObject(request) : binaryAttributes(request.headers);
  if (!claimsCloudEvent(members)) throw new UnidentifiedError("The request has no CloudEvents attributes");
  for (const name of ["id", "source", "type"]) {
    if (members[name] !== undefined && typeof members[name] !== "string") {
      throw new UnidentifiedError(
        `The CloudEvents attribute \`${name}\` is not a string but a ${typeof members[name]}`,
      );
    }
  }
  const event = readCloudEvent(members);
  if ("invalid" in event) {
    const isMissing = event.found === "nothing" || event.found === "an empty string";
    throw new UnidentifiedError(
      `The CloudEvents attribute \`${event.invalid}\` is ${isMissing ? "missing" : event.found}`,
    );
  }
  const { id, source, type } = event;
  return { id, source, type };
}

/** Decodes percent-encoding once, as the HTTP binding asks. */
function binaryAttributes(headers: Headers): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name.startsWith("ce-")) attributes[name.slice("ce-".length)] = percentDecoded(name, value);
  }
  return attributes;
}

function percentDecoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new UnidentifiedError(`The header \`${name}\` is not valid percent-encoded UTF-8`, { cause });
  }
}
