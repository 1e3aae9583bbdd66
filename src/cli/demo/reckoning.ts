import type { BookedRequest } from "./endpoint.ts";
import type { BrokerBooks } from "./world.ts";
import type { Commits } from "./witness.ts";

/** What three witnesses wrote down: the sender, the endpoint, the broker; and who stood at the store's door. */
export interface Evidence {
  /** The events that were sent, each once. */
  readonly sent: ReadonlySet<string>;
  readonly requests: readonly BookedRequest[];
  readonly broker: BrokerBooks;
  readonly commits: Commits;
}

/** What the evidence comes to. Nothing here was counted by Latchkey. */
export interface Reckoning {
  readonly events: number;
  readonly deliveries: number;
  /** Requests that reached the endpoint; the next three are parts of it. */
  readonly dispatches: number;
  readonly done: number;
  readonly refused: number;
  readonly brokenOff: number;
  /** Deliveries that were acknowledged and never reached the endpoint. */
  readonly suppressed: number;
  /** Deliveries that were put back and never reached the endpoint. */
  readonly pending: number;
  /** Deliveries that were never answered, because their replica had died. */
  readonly unanswered: number;
  /** Events that were refused or broken off, and done later. */
  readonly retried: number;
  /** Events that were done again before anybody had committed them: a crash came between the effect and the commit. */
  readonly doneAgain: number;
  /** Events that were sent and never done. */
  readonly lost: number;
  /** Requests for an event that came after its commit. */
  readonly afterCommit: number;
  /** Requests with a lower fence than an earlier one for the same event. */
  readonly fencesFallen: number;
}

export function reckon({ sent, requests, broker, commits }: Evidence): Reckoning {
  const byEvent = Map.groupBy(requests, ({ eventId }) => eventId);
}
