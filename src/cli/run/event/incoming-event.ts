/** An event to dispatch. */
export interface IncomingEvent {
  /** `webhook`: a recorded request of a known sender; `opaque`: identified by the transport or by --id. */
  readonly format: "cloud-event" | "webhook" | "opaque";
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

export const JSON_TYPE = "application/json";
