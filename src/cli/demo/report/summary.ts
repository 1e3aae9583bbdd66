import type { BrokerRecords } from "../broker/backend.ts";
import type { CommitTimes } from "../broker/commit-log.ts";
import type { ReceivedRequest } from "../endpoint.ts";

/** Independent records of the sender, the endpoint, the broker and the store. */
export interface DemoRecords {
  /** Ids of the sent events. */
  readonly sent: ReadonlySet<string>;
  readonly requests: readonly ReceivedRequest[];
  readonly broker: BrokerRecords;
  readonly commits: CommitTimes;
}

/** Counts derived from the records. Latchkey counted nothing here. */
export interface Summary {
  readonly events: number;
  readonly deliveries: number;
  /** Requests that reached the endpoint: the sum of the next three. */
  readonly dispatches: number;
  readonly done: number;
  readonly refused: number;
  readonly aborted: number;
  /** Deliveries acknowledged without a request. */
  readonly suppressed: number;
  /** Deliveries negatively acknowledged without a request. */
  readonly pending: number;
  /** Deliveries without an answer, because their replica crashed. */
  readonly unanswered: number;
  /** Events dispatched successfully after a refusal or an abort. */
  readonly retried: number;
  /** Events done more than once before their commit: a crash came between effect and commit. */
  readonly doneAgain: number;
  /** Events sent but never done. */
  readonly lost: number;
  /** Requests after the commit of their event. */
  readonly afterCommit: number;
  /** Events with a request whose fence is lower than an earlier one's. */
  readonly fencesFallen: number;
}

export function summarize({ sent, requests, broker, commits }: DemoRecords): Summary {
  const histories = byEvent(sent, requests);
  const reached = new Set(requests.map(({ delivery }) => delivery));
  const answered = [...broker.answers].filter(([delivery]) => !reached.has(delivery)).map(([, answer]) => answer);
  const ended = (end: ReceivedRequest["end"]): number => requests.filter((request) => request.end === end).length;
  return {
    events: sent.size,
    deliveries: broker.deliveries,
    dispatches: requests.length,
    done: ended("done"),
    refused: ended("refused"),
    aborted: ended("aborted"),
    suppressed: answered.filter((answer) => answer === "acknowledged").length,
    pending: answered.filter((answer) => answer === "nak").length,
    unanswered: broker.deliveries - broker.answers.size,
    retried: histories.filter(wasRetried).length,
    doneAgain: histories.filter((history) => timesDone(history) > 1).length,
    lost: histories.filter((history) => timesDone(history) === 0).length,
    afterCommit: requests.filter(({ eventId, atMs }) => atMs > (commits.get(eventId) ?? Number.POSITIVE_INFINITY))
      .length,
    fencesFallen: histories.filter(hasFallingFence).length,
  };
}

function byEvent(sent: ReadonlySet<string>, requests: readonly ReceivedRequest[]): readonly ReceivedRequest[][] {
  const histories = new Map([...sent].map((eventId): [string, ReceivedRequest[]] => [eventId, []]));
  for (const request of requests) histories.get(request.eventId)?.push(request);
  return [...histories.values()];
}

function timesDone(history: readonly ReceivedRequest[]): number {
  return history.filter(({ end }) => end === "done").length;
}

function wasRetried(history: readonly ReceivedRequest[]): boolean {
  const failed = history.findIndex(({ end }) => end === "refused" || end === "aborted");
  return failed !== -1 && history.slice(failed).some(({ end }) => end === "done");
}

function hasFallingFence(history: readonly ReceivedRequest[]): boolean {
  let before = 0;
  return history.some(({ fence }) => {
    const hasFallen = fence < before;
    before = fence;
    return hasFallen;
  });
}

/** Returns true if no guarantee was violated. */
export function holdsGuarantees({ lost, afterCommit, fencesFallen }: Summary): boolean {
  return lost + afterCommit + fencesFallen === 0;
}
