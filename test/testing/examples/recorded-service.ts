import { appendFileSync } from "node:fs";
import { Deduplicator, type Store } from "../../../src/index.ts";
import { formatHistory, recordHistory } from "../../../src/testing/index.ts";

/** Returns a process of the service that records all its actions. */
export function recordedService(owner: string, store: Store, charge: () => Promise<void>, file: string) {
  const recorder = recordHistory({ process: owner, write: (line) => appendFileSync(file, formatHistory([line])) });
  const dedup = new Deduplicator({ owner, store: recorder.store(store) });
  return async (event: string, delivery: number): Promise<"ack" | "nak"> => {
    recorder.note({ type: "delivered", event, delivery });
    const outcome = await dedup.guard({ subscriptionId: "billing", eventId: event }, (reservation) =>
      recorder.effect(event, reservation, charge),
    );
    const answered = { type: "answered", event, delivery } as const;
    if (outcome.outcome === "pending") {
      recorder.note({ ...answered, answer: "nak", because: "pending", afterMs: outcome.retryAfterMs });
      return "nak";
    }
    recorder.note({ ...answered, answer: "acknowledged", because: outcome.outcome });
    return "ack";
  };
}
