import { isObject, type ObjectLike } from "../../internal/is-object.ts";
import { formatNdjson, parseNdjson } from "../../internal/ndjson.ts";
import { expected } from "../../internal/validate.ts";
import { TRACE_TYPES, type TraceEvent } from "./trace-event.ts";

/** First line of a saved recording. */
const HEADER = { type: "recording", version: 1 } as const;

/** Writes a trace as NDJSON: a header, then one line an event. */
export function formatTrace(trace: readonly TraceEvent[]): string {
  return formatNdjson([HEADER, ...trace]);
}

/** Returns true if the text begins like the output of {@link formatTrace}. */
export function isTrace(text: string): boolean {
  return text.startsWith(`{"type":"${HEADER.type}"`);
}

/**
 * Reads the output of {@link formatTrace}.
 * @throws {TypeError} that names the unreadable line and the reason.
 */
export function parseTrace(text: string): readonly TraceEvent[] {
  const lines = parseNdjson(text, "the recording", (value, index) => {
    if (index > 0) return checkedEvent(value);
    if (value["version"] === HEADER.version) return undefined;
    throw new TypeError(expected("version", String(HEADER.version), value["version"]));
  });
  return lines.filter((line) => line !== undefined);
}

function checkedEvent(value: ObjectLike): TraceEvent {
  if (isTraceEvent(value)) return value;
  throw new TypeError(`Its \`${wrongField(value)}\` is missing or invalid`);
}

function isTraceEvent(value: object): value is TraceEvent {
  return isObject(value) && wrongField(value) === undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isEventRef = (value: unknown): boolean =>
  isObject(value) && ["storeKey", "workspaceId", "subscriptionId", "eventId"].every((name) => isText(value[name]));

const checks: Readonly<Record<keyof TraceEvent, (value: unknown) => boolean>> = {
  type: (value) => TRACE_TYPES.some((type) => type === value),
  identity: isEventRef,
  atMs: Number.isFinite,
  replica: isText,
  owner: isText,
  attempt: Number.isFinite,
  fence: Number.isFinite,
  revision: Number.isFinite,
  durationMs: Number.isFinite,
  forMs: Number.isFinite,
  cause: isText,
};

function wrongField(value: ObjectLike): string | undefined {
  return Object.entries(checks).find(([name, isRight]) => !isRight(value[name]))?.[0];
}
