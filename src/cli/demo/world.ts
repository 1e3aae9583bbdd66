import type { Deduplicator } from "../../deduplicator.ts";
import type { Reservation } from "../../model/decision.ts";
import type { Store } from "../../model/store.ts";
import type { IncomingEvent } from "../run/incoming.ts";
import type { ReplicaLife } from "./replica-life.ts";

/** How a delivery was answered. */
export type Answer = "acknowledged" | "put back" | "terminated";

/** What the broker has in its own books. */
export interface BrokerBooks {
  readonly deliveries: number;
  /** By delivery; one that was never answered is missing. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** A replica that begins to work. */
export interface Seat {
  readonly name: string;
  readonly life: ReplicaLife;
  /** Is shown the deduplicator with which it works. */
  works(dedup: Deduplicator): void;
  /** Sends the event to the endpoint. */
  dispatch(event: IncomingEvent, delivery: string, reservation: Reservation): Promise<void>;
  /** Hears of deliveries that were not dispatched. */
  turnedAway(event: { readonly eventId: string; readonly as: "duplicate" | "pending" }): void;
}

/** A replica at work. */
export interface Working {
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** A broker and a store that replicas share. */
export interface World extends AsyncDisposable {
  /** For people. */
  readonly what: string;
  /** What the replicas share. */
  readonly store: Store;
  publish(line: string): Promise<void>;
  start(seat: Seat): Promise<Working>;
  /** Whether everything that was published has been acknowledged. */
  isIdle(): Promise<boolean>;
  books(): Promise<BrokerBooks>;
}

/** How the demo's replicas are set up: with the shortest lease there is, so that takeovers are soon. */
export const LEASE_MS = 1_000;
export const SKEW_MS = 250;
/** How long a broker waits for an answer: longer than what a crashed replica held stays reserved. */
export const ACK_WAIT_MS = 1_500;
export const CONCURRENCY = 4;
/** How long an event stays away after the endpoint refused it. */
export const PAUSE_MS = 300;
