import type { Deduplicator } from "../../../deduplicator.ts";
import { linkedSignal } from "../../../internal/abort.ts";
import type { Clock } from "../../../internal/clock.ts";
import { Deferred } from "../../../internal/deferred.ts";
import type { Reservation } from "../../../model/decision.ts";
import { DEFAULT_WORKSPACE } from "../../../model/identity.ts";
import { DispatchFailedError } from "../../run/dispatcher.ts";
import type { IncomingEvent } from "../../run/event/incoming-event.ts";
import type { Target } from "../../run/target/target.ts";
import type { Backend, ReplicaOptions, RunningReplica } from "../broker/backend.ts";
import { DELIVERY_HEADER, EVENT_HEADER } from "../endpoint.ts";
import { type DemoScenario, plannedFor } from "../scenario/scenario.ts";
import type { Incident } from "./incident.ts";
import { KillSwitch } from "./kill-switch.ts";

/** Delay between a crash and the start of a new replica, in milliseconds. */
const RESTART_MS = 700;

interface Replica {
  readonly name: string;
  readonly killSwitch: KillSwitch;
  /** Fences of the events that the replica is dispatching. */
  readonly inFlight: Map<string, number>;
}

export interface FleetOptions {
  readonly backend: Backend;
  readonly scenario: DemoScenario;
  readonly target: Target;
  readonly clock: Clock;
  readonly onIncident: (incident: Incident) => void;
  /** Receives the deduplicator of each replica. */
  readonly onDeduplicator: (dedup: Deduplicator) => void;
}

/** The replicas of the demo. Crashes them as the scenario plans, and starts replacements. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<Replica, RunningReplica>();
  readonly #hasCrashed = new Set<string>();
  /** Events that a crashed replica was dispatching, until another replica takes over. */
  readonly #orphans = new Map<string, { readonly from: string; readonly fence: number }>();
  readonly #refused = new Set<string>();
  readonly #restarts = new Set<Promise<void>>();
  readonly #failedStart = new Deferred<never>();
  #started = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    // Avoids an unhandled rejection if no caller awaits the promise.
    this.#failedStart.promise.catch(() => {});
  }

  /** Never resolves. Rejects if a replica cannot start. */
  get failedStart(): Promise<never> {
    return this.#failedStart.promise;
  }

  async start(replaces?: string): Promise<void> {
    this.#started += 1;
    const replica: Replica = { name: `replica ${this.#started}`, killSwitch: new KillSwitch(), inFlight: new Map() };
    this.#running.set(replica, await this.#options.backend.start(this.#optionsOf(replica)));
    this.#options.onIncident({
      type: "started",
      replica: replica.name,
      ...(replaces === undefined ? {} : { replaces }),
    });
  }

  /** Stops all replicas gracefully. */
  async stop(): Promise<void> {
    await Promise.all(this.#restarts);
    await Promise.all([...this.#running.values()].map((running) => running.stop()));
  }

  #optionsOf(replica: Replica): ReplicaOptions {
    const { name, killSwitch } = replica;
    return {
      name,
      killSwitch,
      onDeduplicator: this.#options.onDeduplicator,
      dispatch: (event, delivery, reservation) => this.#dispatch(replica, event, delivery, reservation),
      onSkipped: ({ eventId, as }) =>
        this.#options.onIncident({ type: as, replica: name, event: this.#nameOf(eventId) }),
    };
  }

  async #dispatch(replica: Replica, event: IncomingEvent, delivery: string, reservation: Reservation): Promise<void> {
    const { scenario, target, onIncident } = this.#options;
    const { eventId } = event;
    const { attempt, fence, idempotencyKey, owner } = reservation;
    const crash = this.#hasCrashed.has(eventId) ? undefined : plannedFor(scenario, eventId).crash;
    replica.inFlight.set(eventId, fence);
    if (crash === "before") {
      this.#crash(replica, eventId, crash);
      return;
    }

    const orphan = this.#orphans.get(eventId);
    this.#orphans.delete(eventId);
    const named = { replica: replica.name, event: this.#nameOf(eventId) };
    if (orphan !== undefined)
      onIncident({ type: "taken-over", ...named, from: orphan.from, fence, previousFence: orphan.fence });
    const headers = { ...event.headers, [EVENT_HEADER]: encodeURIComponent(eventId), [DELIVERY_HEADER]: delivery };
    const { signal, unlink } = linkedSignal(reservation.signal, replica.killSwitch.signal);
    const failure = await target
      .dispatch(
        { ...event, headers },
        { idempotencyKey, fence, attempt, workspaceId: DEFAULT_WORKSPACE, subscriptionId: owner, signal },
      )
      .finally(unlink);
    if (replica.killSwitch.isKilled) return;
    if (crash === "after" && failure === undefined) {
      this.#crash(replica, eventId, crash);
      return;
    }
    replica.inFlight.delete(eventId);
    if (failure !== undefined) {
      this.#refused.add(eventId);
      onIncident({ type: "refused", ...named });
      throw new DispatchFailedError(failure);
    }
    if (this.#refused.delete(eventId)) onIncident({ type: "retried", ...named });
  }

  #crash(replica: Replica, eventId: string, when: "before" | "after"): void {
    const { clock, onIncident } = this.#options;
    this.#hasCrashed.add(eventId);
    this.#running.delete(replica);
    replica.killSwitch.kill();
    for (const [orphan, fence] of replica.inFlight) this.#orphans.set(orphan, { from: replica.name, fence });
    const inFlight = replica.inFlight.size;
    onIncident({ type: "crashed", replica: replica.name, event: this.#nameOf(eventId), when, inFlight });
    const restart = new Promise<void>((resolve) => void clock.schedule(RESTART_MS, resolve))
      .then(() => this.start(replica.name))
      .catch(this.#failedStart.reject)
      .finally(() => this.#restarts.delete(restart));
    this.#restarts.add(restart);
  }

  #nameOf(eventId: string): string {
    return plannedFor(this.#options.scenario, eventId).name;
  }
}
