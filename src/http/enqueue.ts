import { LONGEST_TIMER_MS } from "../internal/clock.ts";
import { callable, objectWith, text, wholeNumber } from "../internal/validate.ts";
import { encodeHeaderAttribute } from "../model/cloud-event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { RawRequest } from "./raw-request.ts";
import type { EventReference } from "./source.ts";

/** The part of NATS message headers that is written here. */
export interface MessageHeaders {
  /** Sets a header to one value. */
  set(name: string, value: string): void;
}

/** Options of {@link enqueue}. */
export interface EnqueueOptions<Headers extends MessageHeaders> {
  /** JetStream client: `jetstream(connection)`. */
  readonly jetstream: {
    publish(
      subject: string,
      payload: Uint8Array,
      options: { msgID: string; headers: Headers; timeout: number },
    ): Promise<unknown>;
  };
  /** Creates empty message headers: `headers` of `@nats-io/nats-core`. */
  readonly headers: () => Headers;
  /** Subject to publish to, or a function that chooses one per event. */
  readonly subject: string | ((event: EventReference) => string);
  /** Time to wait for the stream's acknowledgement, in milliseconds, from 1 to 2,147,483,647. @default 2_000 */
  readonly timeoutMs?: number;
}

/**
 * Publishes an event and resolves once the stream has stored it. A rejection is answered with 503. It is answered with 413 or 422 if
 * the stream refused the event's size or subject, or the error is a `PermanentError`.
 */
export type Publish = (event: EventReference, identity: ResolvedIdentity, request: RawRequest) => Promise<void>;

/**
 * Accepts events by storing them in a stream. Each becomes a CloudEvent in binary mode with its idempotency key as `Nats-Msg-Id`.
 * A consumer with the same subscription id and workspace recognises the same identity.
 * @throws {TypeError | RangeError} naming the wrong option.
 */
export function enqueue<Headers extends MessageHeaders>(options: EnqueueOptions<Headers>): Publish {
  objectWith("options", options);
  const { jetstream, headers: createHeaders, subject, timeoutMs = 2_000 } = options;
  objectWith("jetstream", jetstream, "publish");
  callable("headers", createHeaders);
  if (typeof subject !== "function") text("subject", subject);
  wholeNumber("timeoutMs", timeoutMs, 1, LONGEST_TIMER_MS);
  return async (event, { idempotencyKey }, { headers, body }) => {
    const fields = createHeaders();
    fields.set("ce-specversion", "1.0");
    fields.set("ce-id", encodeHeaderAttribute(event.id));
    fields.set("ce-source", encodeHeaderAttribute(event.source));
    fields.set("ce-type", encodeHeaderAttribute(event.type));
    const contentType = headers.get("content-type");
    if (contentType !== null) fields.set("content-type", contentType);
    for (const name of ["traceparent", "tracestate"]) {
      const value = headers.get(name);
      if (value !== null) fields.set(name, value);
    }
    const to = typeof subject === "string" ? subject : subject(event);
    await jetstream.publish(to, body, { msgID: idempotencyKey, headers: fields, timeout: timeoutMs });
  };
}
