import type { EventDetail, Message } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";

// What comes from the page's own server: enough is looked at to tell it from what something between here and there may answer.

export function isMessage(value: unknown): value is Message {
  return has(value, "type") && (value.type === "begin" || value.type === "update");
}

export function isDetail(value: unknown): value is EventDetail {
  return has(value, "identity") && has(value, "steps") && Array.isArray(value.steps);
}

export function areEvents(value: unknown): value is readonly EventRef[] {
  return Array.isArray(value) && value.every((one) => has(one, "storeKey"));
}

export function isRemoved(value: unknown): value is { readonly removed: true } {
  return has(value, "removed") && value.removed === true;
}

function has<Name extends string>(value: unknown, name: Name): value is Readonly<Record<Name, unknown>> {
  return typeof value === "object" && value !== null && name in value;
}
