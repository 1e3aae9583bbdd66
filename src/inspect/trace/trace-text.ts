import { expected } from "../../internal/validate.ts";
import { TRACE_TYPES, type TraceEvent } from "./trace-event.ts";

/** What the first line of a saved recording says. */
const HEADER = { type: "recording", version: 1 } as const;

/** Steps as NDJSON: a header, and a line for each. */
export function formatTrace(steps: readonly TraceEvent[]): string {
  return [HEADER, ...steps].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Whether the text begins as {@link formatTrace} does. */
export function isTrace(text: string): boolean {
  return text.startsWith(`{"type":"${HEADER.type}"`);
}

/**
 * Reads what {@link formatTrace} wrote.
 * @throws {TypeError} that says which line cannot be read, and why.
 */
export function parseTrace(text: string): readonly TraceEvent[] {
  const [header = "", ...lines] = text.replace(/\n$/, "").split("\n");
  const { version } = parsed(header, 1);
  if (version !== HEADER.version)
    throw new TypeError(`Line 1: ${expected("version", String(HEADER.version), version)}`);
  return lines.map((line, index) => {
    const value = parsed(line, index + 2);
    if (isStep(value)) return value;
    throw new TypeError(`Line ${index + 2} is no step: it has no valid \`${wrongField(value)}\``);
  });
}

type Json = Readonly<Record<string, unknown>>;

function parsed(line: string, number: number): Json {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new TypeError(`Line ${number} is not JSON`, { cause });
  }
  if (isObject(value)) return value;
  throw new TypeError(`Line ${number}: ${expected("line", "an object", value)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

function isStep(value: object): value is TraceEvent {
  return isObject(value) && wrongField(value) === undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isEvent = (value: unknown): boolean =>
  isObject(value) && ["storeKey", "workspaceId", "subscriptionId", "eventId"].every((name) => isText(value[name]));

const checks: Readonly<Record<keyof TraceEvent, (value: unknown) => boolean>> = {
  type: (value) => TRACE_TYPES.some((type) => type === value),
  identity: isEvent,
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

function wrongField(value: Json): string | undefined {
  return Object.entries(checks).find(([name, isRight]) => !isRight(value[name]))?.[0];
}
