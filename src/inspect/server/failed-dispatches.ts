import type { DispatchFailure } from "../../model/failure.ts";
import { resolveIdentity } from "../../model/identity.ts";
import type { EventRing } from "../trace/event-ring.ts";
import { failedEvents } from "../trace/failed-events.ts";
import type { KeyedIdentity } from "../trace/trace-event.ts";
import type { KeyAdmin } from "./key-admin.ts";

/** A failed dispatch after which the key was released. */
export interface FailedDispatch extends Pick<DispatchFailure, "owner" | "attempt" | "fence" | "atMs" | "error"> {
  readonly identity: KeyedIdentity;
}

/** Returns the failed dispatches that the store keeps, or else those that the recording contains. */
export function failedDispatches(
  keyAdmin: KeyAdmin,
  trace: EventRing,
): AsyncIterable<FailedDispatch> | Iterable<FailedDispatch> {
  const stored = keyAdmin.failures();
  return stored === undefined ? recordedFailures(trace) : storedFailures(stored);
}

async function* storedFailures(failures: AsyncIterable<DispatchFailure>): AsyncGenerator<FailedDispatch, void> {
  for await (const { owner, attempt, fence, atMs, error, ...ids } of failures) {
    const { storeKey } = resolveIdentity(ids);
    yield { identity: { storeKey, ...ids }, owner, attempt, fence, atMs, error };
  }
}

function* recordedFailures(trace: EventRing): Generator<FailedDispatch, void> {
  for (const { identity, owner, attempt, fence, atMs, cause } of failedEvents(trace)) {
    yield { identity, owner, attempt, fence, atMs, error: cause };
  }
}
