import type { LineOf } from "../../history/history.ts";
import type { KnownKey } from "./known-keys.ts";

/** An effect that has begun and not ended. */
export interface RunningEffect {
  readonly began: LineOf<"effect.began">;
  readonly number: number;
  readonly key: KnownKey | undefined;
  /** Name of the effect among all effects of its event; undefined if the run names none. */
  readonly work: string | undefined;
  isAborted: boolean;
}

/** A delivery that has no answer yet. */
export interface OpenDelivery {
  readonly process: string;
  readonly position: number;
  effectFailed: boolean;
}

/** The answer to a delivery. */
export interface GivenAnswer {
  readonly process: string;
  readonly position: number;
  readonly number: number;
}

/** The judge's knowledge of one event, up to a line. */
export class EventState {
  readonly running = new Map<string, RunningEffect>();
  /** The effect with the highest fence so far, by key. */
  readonly newest = new Map<KnownKey | undefined, LineOf<"effect.began">>();
  /** Lowest fence with which each process began an effect, by process and key. */
  readonly #lowestFences = new Map<string, Map<KnownKey | undefined, number>>();
  /** The work that was begun, and whether any effect of it has succeeded. */
  readonly succeeded = new Map<string, boolean>();
  readonly deliveries = new Map<string, OpenDelivery>();
  readonly answers: GivenAnswer[] = [];
  /** Number of the last line in which an effect failed. */
  failedIn: number | undefined;
  /** Number of the line that acknowledged the event first. */
  acknowledgedIn: number | undefined;
  /** Number of the first acknowledgement that no `unconfirmed` or `superseded` commit excuses. */
  settledIn: number | undefined;
  /** The process whose commit counts, as Latchkey reported it, with the number of its dispatches until then. */
  committer: { readonly process: string; readonly dispatches: number } | undefined;
  /** Fences under which each process finished an effect. */
  readonly #finishedUnder = new Map<string, Set<number>>();

  finish({ process, fence }: LineOf<"effect.began">): void {
    this.#finishedUnder.set(process, (this.#finishedUnder.get(process) ?? new Set()).add(fence));
  }

  /** Returns under how many reservations a process finished an effect. */
  dispatchesBy(process: string): number {
    return this.#finishedUnder.get(process)?.size ?? 0;
  }

  lowerFence({ process, fence }: LineOf<"effect.began">, key: KnownKey | undefined): void {
    const ofProcess = this.#lowestFences.get(process) ?? new Map<KnownKey | undefined, number>();
    this.#lowestFences.set(process, ofProcess);
    ofProcess.set(key, Math.min(fence, ofProcess.get(key) ?? fence));
  }

  lowestFence(process: string, key: KnownKey): number {
    return this.#lowestFences.get(process)?.get(key) ?? 0;
  }

  isDeliveredTo(process: string): boolean {
    return [...this.deliveries.values()].some((delivery) => delivery.process === process);
  }

  /** Returns the position of the oldest delivery that a process has not answered. */
  openSince(process: string): number | undefined {
    return [...this.deliveries.values()].find((delivery) => delivery.process === process)?.position;
  }

  isHandledBy(process: string): boolean {
    return [...this.deliveries.values(), ...[...this.running.values()].map(({ began }) => began)].some(
      (one) => one.process === process,
    );
  }

  died(process: string): void {
    for (const [effect, { began }] of this.running) if (began.process === process) this.running.delete(effect);
    for (const [id, delivery] of this.deliveries) if (delivery.process === process) this.deliveries.delete(id);
  }
}
