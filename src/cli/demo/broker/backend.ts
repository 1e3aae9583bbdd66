import type { Deduplicator } from "../../../deduplicator.ts";
import type { Reservation } from "../../../model/decision.ts";
import type { Store } from "../../../model/store.ts";
import type { IncomingEvent } from "../../run/event/incoming-event.ts";
import type { KillSwitch } from "../replicas/kill-switch.ts";

/** Answer to a delivery. */
export type BrokerAnswer = "acknowledged" | "nak" | "terminated";

/** The broker's own records. */
export interface BrokerRecords {
  readonly deliveries: number;
  /** Answers by delivery id. Unanswered deliveries are missing. */
  readonly answers: ReadonlyMap<string, BrokerAnswer>;
}

/** Options of a replica to start. */
export interface ReplicaOptions {
  readonly name: string;
  readonly killSwitch: KillSwitch;
  /** Receives the deduplicator of the replica. */
  onDeduplicator(dedup: Deduplicator): void;
  /** Sends the event to the endpoint. */
  dispatch(event: IncomingEvent, delivery: string, reservation: Reservation): Promise<void>;
  /** Receives the deliveries that were not dispatched. */
  onSkipped(event: { readonly eventId: string; readonly as: "duplicate" | "pending" }): void;
}

/** A running replica. */
export interface RunningReplica {
  /** Stops the replica gracefully. */
  stop(): Promise<void>;
}

/** A broker and a store that replicas share. */
export interface Backend extends AsyncDisposable {
  /** Description for the output. */
  readonly what: string;
  /** Store that the replicas share. */
  readonly store: Store;
  publish(line: string): Promise<void>;
  start(options: ReplicaOptions): Promise<RunningReplica>;
  /** Resolves with true once every published message is acknowledged. */
  isIdle(): Promise<boolean>;
  records(): Promise<BrokerRecords>;
}

/** Lease of the replicas in milliseconds: the minimum, so that takeovers come early. */
export const LEASE_MS = 1_000;
export const SKEW_MS = 250;
/** Time until the broker redelivers, in milliseconds: longer than a crashed reservation lasts. */
export const ACK_WAIT_MS = 1_500;
export const CONCURRENCY = 4;
/** Redelivery delay after a refusal, in milliseconds. */
export const PAUSE_MS = 300;
