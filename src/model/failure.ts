import { firstLine } from "../internal/first-line.ts";
import { isObject } from "../internal/is-object.ts";
import type { Fence } from "./record.ts";

/** Failed dispatch. A store may keep it for a while in place of the released reservation, for people. No decision reads it. */
export interface DispatchFailure {
  /** Workspace of the event. */
  readonly workspaceId: string;
  /** Subscription of the event. */
  readonly subscriptionId: string;
  /** Id of the event. */
  readonly eventId: string;
  /** Replica whose handler threw. */
  readonly owner: string;
  /** Number of the attempt, counting from 1. */
  readonly attempt: number;
  /** Fence of the released reservation. */
  readonly fence: Fence;
  /** Time of the release by the owner's wall clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** Name and code of the error, and its message if the deduplicator keeps messages. */
  readonly error: string;
}

/** The note must not be longer than the reservation that it replaces: a full store has no room for more. */
const MAX_NAME = 60;
const MAX_MESSAGE = 120;

/** Credentials in an address, after a scheme of `Authorization`, and after a name that announces a secret. */
const SECRETS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\/\/[^/\s@]+@/g, "//…@"],
  [/\b(bearer|basic)\s+\S+/gi, "$1 …"],
  [/\b([\w-]*(?:password|passwd|pwd|secret|token|api[-_]?key|credential)s?["']?\s*[:=]\s*)\S+/gi, "$1…"],
];

/**
 * Describes an error on one short line. Messages may quote a payload, so they are left out unless `withMessage` is true. Even then,
 * credentials are replaced and the message is cut.
 */
export function describeFailure(error: unknown, withMessage: boolean): string {
  if (!isObject(error)) return withMessage && typeof error === "string" ? messageOf(error) : typeof error;
  const name = typeof error["name"] === "string" ? error["name"] : "Error";
  const code = typeof error["code"] === "string" ? ` ${error["code"]}` : "";
  const title = oneLine(`${name}${code}`, MAX_NAME);
  const message = withMessage && typeof error["message"] === "string" ? messageOf(error["message"]) : "";
  return message === "" ? title : `${title}: ${message}`;
}

function messageOf(message: string): string {
  // Only the beginning is shown, so a huge message is cut before it is searched.
  const line = firstLine(message.slice(0, 1_000));
  return oneLine(
    SECRETS.reduce((text, [secret, replacement]) => text.replace(secret, replacement), line),
    MAX_MESSAGE,
  );
}

function oneLine(text: string, max: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, " ");
  return line.length > max ? `${line.slice(0, max)}…` : line;
}

/** Returns the failure as JSON. */
export function encodeFailure(failure: DispatchFailure): string {
  const { workspaceId, subscriptionId, eventId, owner, attempt, fence, atMs, error } = failure;
  return JSON.stringify({ v: 1, failed: { workspaceId, subscriptionId, eventId, owner, attempt, fence, atMs, error } });
}

/** Decodes what {@link encodeFailure} returned. Returns `undefined` for anything else: a tombstone may be another program's. */
export function decodeFailure(encoded: string): DispatchFailure | undefined {
  if (encoded === "") return undefined;
  try {
    const value: unknown = JSON.parse(encoded);
    return isObject(value) ? checkFailure(value["failed"]) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns `value` if it is a failure, or `undefined`. */
export function checkFailure(value: unknown): DispatchFailure | undefined {
  if (!isObject(value)) return undefined;
  const { workspaceId, subscriptionId, eventId, owner, attempt, fence, atMs, error } = value;
  const isFailure =
    typeof workspaceId === "string" &&
    typeof subscriptionId === "string" &&
    typeof eventId === "string" &&
    typeof owner === "string" &&
    typeof attempt === "number" &&
    typeof fence === "number" &&
    typeof atMs === "number" &&
    typeof error === "string";
  return isFailure ? { workspaceId, subscriptionId, eventId, owner, attempt, fence, atMs, error } : undefined;
}
