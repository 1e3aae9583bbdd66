import { hasCode } from "../errors.ts";
import { isObject } from "../internal/is-object.ts";

/** `err_code` of a message above the stream's `max_msg_size`. */
const MESSAGE_TOO_LARGE = 10_054;

/**
 * Returns why the stream can never store an event as it is, or `undefined` if a repetition may succeed. Errors of the NATS client are
 * recognised by name, because this entry does not depend on the client.
 */
export function publishRefusal(error: unknown): "too-large" | "permanent" | undefined {
  if (hasCode(error, "permanent")) return "permanent";
  if (!isObject(error)) return undefined;
  const { name, code, message } = error;
  if (name === "JetStreamApiError" && code === MESSAGE_TOO_LARGE) return "too-large";
  if (name === "InvalidArgumentError" && String(message).includes("max_payload")) return "too-large";
  // The subject contains a part of the event, such as its type, that no subject may contain.
  return name === "InvalidSubjectError" ? "permanent" : undefined;
}
