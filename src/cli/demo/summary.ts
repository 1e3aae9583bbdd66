import type { Commits } from "./commit-log.ts";
import type { BookedRequest } from "./endpoint.ts";
import type { BrokerBooks } from "./world.ts";

/** What three witnesses wrote down: the sender, the endpoint, the broker; and who stood at the store's door. */
export interface Evidence {
  /** The events that were sent, each once. */
  readonly sent: ReadonlySet<string>;
  readonly requests: readonly BookedRequest[];
  readonly broker: BrokerBooks;
  readonly commits: Commits;
}

/** What the evidence comes to. Nothing here was counted by Latchkey. */
export interface Summary {
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

export function reckon({ sent, requests, broker, commits }: Evidence): Summary {
  const histories = byEvent(sent, requests);
  const reached = new Set(requests.map(({ delivery }) => delivery));
  const answered = [...broker.answers].filter(([delivery]) => !reached.has(delivery)).map(([, answer]) => answer);
  const ended = (end: BookedRequest["end"]): number => requests.filter((request) => request.end === end).length;
  return {
    events: sent.size,
    deliveries: broker.deliveries,
    dispatches: requests.length,
    done: ended("done"),
    refused: ended("refused"),
    brokenOff: ended("broken off"),
    suppressed: answered.filter((answer) => answer === "acknowledged").length,
    pending: answered.filter((answer) => answer === "put back").length,
    unanswered: broker.deliveries - broker.answers.size,
    retried: histories.filter(wasRetried).length,
    doneAgain: histories.filter((history) => timesDone(history) > 1).length,
    lost: histories.filter((history) => timesDone(history) === 0).length,
    afterCommit: requests.filter(({ eventId, atMs }) => atMs > (commits.get(eventId) ?? Number.POSITIVE_INFINITY))
      .length,
    fencesFallen: histories.filter(hasFallingFence).length,
  };
}

function byEvent(sent: ReadonlySet<string>, requests: readonly BookedRequest[]): readonly BookedRequest[][] {
  const histories = new Map([...sent].map((eventId): [string, BookedRequest[]] => [eventId, []]));
  for (const request of requests) histories.get(request.eventId)?.push(request);
  return [...histories.values()];
}

function timesDone(history: readonly BookedRequest[]): number {
  return history.filter(({ end }) => end === "done").length;
}

function wasRetried(history: readonly BookedRequest[]): boolean {
  const failed = history.findIndex(({ end }) => end === "refused" || end === "broken off");
  return failed !== -1 && history.slice(failed).some(({ end }) => end === "done");
}

function hasFallingFence(history: readonly BookedRequest[]): boolean {
  let before = 0;
  return history.some(({ fence }) => {
    const hasFallen = fence < before;
    before = fence;
    return hasFallen;
  });
}

/** Whether what Latchkey promises was kept. */
export function isKept({ lost, afterCommit, fencesFallen }: Summary): boolean {
  return lost + afterCommit + fencesFallen === 0;
}
