/** Headers of a request or a message, to read a trace context from. */
export interface HeaderReader {
  /** Returns a header, or nothing. */
  get(name: string): string | null | undefined;
}

/** Headers of a request or a message, to write a trace context into. */
export interface HeaderWriter {
  /** Sets a header to one value. */
  set(name: string, value: string): void;
}

/** A delivery as telemetry sees it. It has no payload. */
export type TracedDelivery =
  | { readonly kind: "request"; readonly source: string; readonly headers: HeaderReader }
  | {
      readonly kind: "message";
      readonly stream: string;
      readonly consumer: string;
      readonly deliveries: number;
      readonly headers: HeaderReader | undefined;
    };

/** Outcome of a delivery. */
export interface TracedOutcome {
  /** Name of the outcome: `dispatched`, `duplicate`, … for a message, the status for a request. */
  readonly outcome: string;
  /** True if the delivery must come back, or never succeeds. */
  readonly failed: boolean;
}

/** Receives deliveries to trace. `instrument` of `latchkey/otel` returns one for `webhook` and `consume`. */
export interface Telemetry {
  /** Runs `work` in a span of the delivery, whose parent is the trace context in its headers. */
  trace<Value>(
    delivery: TracedDelivery,
    work: () => Promise<Value>,
    outcomeOf: (value: Value) => TracedOutcome,
  ): Promise<Value>;
  /** Writes the trace context of the running work into the headers of a request or a message. */
  inject(headers: HeaderWriter): void;
  /** Counts a dead letter. */
  deadLettered(reason: string): void;
}
