import type { IncomingEvent } from "./incoming-event.ts";

const NAMES = ["traceparent", "tracestate"] as const;

/** Returns the headers of the W3C Trace Context. Omits repeated ones, and values that no header can have. */
export function traceHeaders(header: (name: string) => readonly unknown[]): Readonly<Record<string, string>> {
  return pick((name) => {
    const [value, ...others] = header(name);
    return others.length === 0 ? value : undefined;
  });
}

/** Returns the trace context of an event: of its transport, otherwise of the CloudEvents extension for distributed tracing. */
export function traceContextOf({ headers, attributes }: IncomingEvent): Readonly<Record<string, string>> {
  return pick((name) => headers[name] ?? attributes[name]);
}

function pick(read: (name: string) => unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = read(name);
      return typeof value === "string" && /^[\x20-\x7e]+$/.test(value) ? [[name, value]] : [];
    }),
  );
}
