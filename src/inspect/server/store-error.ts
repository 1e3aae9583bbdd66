import { hasCode } from "../../errors.ts";
import type { Redaction } from "./redaction.ts";
import { errorResponse } from "./responses.ts";

/** Passes on the store's errors. Other errors may contain internals and are not shown. */
export function storeErrorResponse(error: unknown, redaction: Redaction): Response {
  const text = storeErrorText(error, redaction);
  if (text === undefined) return errorResponse("failed", "The inspector failed to answer this request");
  if (hasCode(error, "record-unreadable")) return errorResponse("unreadable", text);
  return errorResponse(hasCode(error, "unsupported") ? "unsupported" : "store-unavailable", text);
}

/** Returns the message of an error of the store or of the dead letters, redacted; `undefined` for other errors. */
export function storeErrorText(error: unknown, redaction: Redaction): string | undefined {
  const isOfStore =
    hasCode(error, "store-unavailable") ||
    hasCode(error, "store-forbidden") ||
    hasCode(error, "store-misconfigured") ||
    hasCode(error, "record-unreadable") ||
    hasCode(error, "dead-letters-unavailable") ||
    hasCode(error, "unsupported");
  return isOfStore ? redaction.cause(error.message) : undefined;
}
