import type { Deduplicator } from "../../deduplicator.ts";
import type { Clock } from "../../internal/clock.ts";
import { deferred } from "../../internal/deferred.ts";
import type { Reservation } from "../../model/decision.ts";
import { DispatchFailedError } from "../run/dispatcher.ts";
import type { IncomingEvent } from "../run/incoming.ts";
import type { Target } from "../run/target.ts";
import { DELIVERY_HEADER, EVENT_HEADER } from "./endpoint.ts";
import type { Incident } from "./incident.ts";
import { ReplicaLife } from "./replica-life.ts";
import { plannedFor, type Scenario } from "./scenario.ts";
import type { Seat, Working, World } from "./world.ts";

/** How long after a crash a new replica starts. */
const RESTART_MS = 700;

interface Replica {
  readonly name: string;
  readonly life: ReplicaLife;
  /** What it dispatches, with the fence of each. */
  readonly inHand: Map<string, number>;
}

export interface FleetOptions {
  readonly world: World;
  readonly scenario: Scenario;
  readonly target: Target;
  readonly clock: Clock;
  readonly tell: (incident: Incident) => void;
  /** Is shown the deduplicator of each replica. */
  readonly works: (dedup: Deduplicator) => void;
}

/** The replicas of the demo: dispatches with them, lets them die as the scenario says, and starts others instead. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #working = new Map<Replica, Working>();
  readonly #hasCrashed = new Set<string>();
  /** Events that a dead replica was dispatching, until somebody else does. */
  readonly #orphans = new Map<string, { readonly from: string; readonly fence: number }>();
  readonly #refused = new Set<string>();
  readonly #restarts = new Set<Promise<void>>();
  readonly #broken = deferred<never>();
  #started = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    // Whoever waits for it hears of it; if nobody does, it is no accident of the process.
    this.#broken.promise.catch(() => {});
  }

  /** Never resolves; rejects when a replica could not be started. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  async start(instead?: string): Promise<void> {
    this.#started += 1;
    const replica: Replica = { name: `replica ${this.#started}`, life: new ReplicaLife(), inHand: new Map() };
    this.#working.set(replica, await this.#options.world.start(this.#seat(replica)));
    this.#options.tell({ type: "started", replica: replica.name, ...(instead === undefined ? {} : { instead }) });
  }

  /** Ends all replicas in order. */
  async stop(): Promise<void> {
    await Promise.all(this.#restarts);
    await Promise.all([...this.#working.values()].map((working) => working.stop()));
  }

  #seat(replica: Replica): Seat {
    const { name, life } = replica;
    return {
      name,
      life,
      works: this.#options.works,
      dispatch: (event, delivery, reservation) => this.#dispatch(replica, event, delivery, reservation),
      turnedAway: ({ eventId, as }) => this.#options.tell({ type: as, replica: name, event: this.#nameOf(eventId) }),
    };
  }

  async #dispatch(replica: Replica, event: IncomingEvent, delivery: string, reservation: Reservation): Promise<void> {
    const { scenario, target, tell } = this.#options;
    const { eventId } = event;
    const { attempt, fence, key, owner } = reservation;
    const crash = this.#hasCrashed.has(eventId) ? undefined : plannedFor(scenario, eventId).crash;
    replica.inHand.set(eventId, fence);
    if (crash === "before") {
      this.#die(replica, eventId, crash);
      return;
    }

    const orphan = this.#orphans.get(eventId);
    this.#orphans.delete(eventId);
    const named = { replica: replica.name, event: this.#nameOf(eventId) };
    if (orphan !== undefined)
      tell({ type: "taken-over", ...named, from: orphan.from, fence, formerFence: orphan.fence });
    const headers = { ...event.headers, [EVENT_HEADER]: encodeURIComponent(eventId), [DELIVERY_HEADER]: delivery };
    const signal = AbortSignal.any([reservation.signal, replica.life.signal]);
    const failure = await target.dispatch(
      { ...event, headers },
      { key, fence, attempt, subscriptionId: owner, signal },
    );
    if (replica.life.isOver) return;
    if (crash === "after" && failure === undefined) {
      this.#die(replica, eventId, crash);
      return;
    }
    replica.inHand.delete(eventId);
    if (failure !== undefined) {
      this.#refused.add(eventId);
      tell({ type: "refused", ...named });
      throw new DispatchFailedError(failure);
    }
    if (this.#refused.delete(eventId)) tell({ type: "retried", ...named });
  }

  #die(replica: Replica, eventId: string, when: "before" | "after"): void {
    const { clock, tell } = this.#options;
    this.#hasCrashed.add(eventId);
    this.#working.delete(replica);
    replica.life.end();
    for (const [orphan, fence] of replica.inHand) this.#orphans.set(orphan, { from: replica.name, fence });
    const inHand = replica.inHand.size;
    tell({ type: "crashed", replica: replica.name, event: this.#nameOf(eventId), when, inHand });
    const restart = new Promise<void>((resolve) => void clock.schedule(RESTART_MS, resolve))
      .then(() => this.start(replica.name))
      .catch(this.#broken.reject)
      .finally(() => this.#restarts.delete(restart));
    this.#restarts.add(restart);
  }

  #nameOf(eventId: string): string {
    return plannedFor(this.#options.scenario, eventId).name;
  }
}
