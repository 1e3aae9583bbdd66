import { isObject } from "../../../internal/is-object.ts";
import type { EventDetail, Message } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";

// Checks that tell a response of the inspector from one of a proxy or another server. The inspector itself is trusted.

export function isMessage(value: unknown): value is Message {
  return isObject(value) && (value["type"] === "begin" || value["type"] === "update");
}

export function isDetail(value: unknown): value is EventDetail {
  return isObject(value) && "identity" in value && Array.isArray(value["trace"]);
}

export function areEvents(value: unknown): value is readonly EventRef[] {
  return Array.isArray(value) && value.every((one) => isObject(one) && "storeKey" in one);
}

export function isRemoved(value: unknown): value is { readonly removed: true } {
  return isObject(value) && value["removed"] === true;
}
