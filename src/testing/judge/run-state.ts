import type { LineOf } from "../../history/history.ts";
import type { EventKeys } from "./event-keys.ts";
import { EventState } from "./event-state.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownWrite } from "./known-keys.ts";
import type { Guarantee } from "./violation.ts";

/** Adds a violation in the line that is being read. */
export type ReportViolation = (guarantee: Guarantee, why: string) => void;

/** The judge's knowledge of a run, up to a line. */
export class RunState {
  readonly keys: EventKeys;
  /** True if the run came to rest. */
  readonly hasEnd: boolean;
  readonly #events = new Map<string, EventState>();
  readonly #frozenAt = new Map<string, number>();
  readonly #deliveredAt = new Map<string, number>();
  /** Processes, with the revisions that the store returned to them. */
  readonly #returned = new Set<string>();
  #hasForgotten = false;

  /** @param lines are all lines, in their order. */
  constructor(keys: EventKeys, lines: readonly OrderedLine[]) {
    this.keys = keys;
    this.hasEnd = lines.some(({ line }) => line.type === "settled");
  }

  get events(): ReadonlyMap<string, EventState> {
    return this.#events;
  }

  /** True if the store has lost a write that it acknowledged. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  of(event: string): EventState {
    const state = this.#events.get(event) ?? new EventState();
    this.#events.set(event, state);
    return state;
  }

  forget(): void {
    this.#hasForgotten = true;
  }

  freeze(process: string, position: number): void {
    this.#frozenAt.set(process, position);
  }

  die(process: string): void {
    for (const state of this.#events.values()) state.died(process);
  }

  deliver(line: LineOf<"delivered">, position: number): void {
    const { process, event } = line;
    this.of(event).deliveries.set(deliveryId(line), { process, position, effectFailed: false });
    this.#deliveredAt.set(`${process} ${event}`, position);
  }

  /** Notes that a process reserves a key again: the store's error that it gets now may be that of another attempt. */
  retry({ process, key }: LineOf<"invoke">): void {
    const event = this.keys.eventOf(key);
    if (event === undefined) return;
    for (const delivery of this.of(event).deliveries.values()) {
      if (delivery.process === process) delivery.effectFailed = false;
    }
  }

  /** Notes the revision that the store returned to a process. */
  learn(process: string, revision: number): void {
    this.#returned.add(`${process} ${revision}`);
  }

  /** True if a process could know a write at a position. */
  isKnownTo(process: string, { revision, shownBy }: KnownWrite, position: number): boolean {
    return shownBy.position < position || this.#returned.has(`${process} ${revision}`);
  }

  /**
   * True if the process was frozen since its delivery, or the store forgot a write: its reactions may be late. A process may get the
   * event again before it has answered the first delivery, whose handler then still runs.
   */
  isStalled(process: string, event: string): boolean {
    const frozenAt = this.#frozenAt.get(process) ?? -1;
    const deliveredAt = this.of(event).openSince(process) ?? this.#deliveredAt.get(`${process} ${event}`) ?? -1;
    return this.#hasForgotten || frozenAt > deliveredAt;
  }
}

/** Names a delivery among all deliveries of its event. */
export function deliveryId({ process, delivery }: { readonly process: string; readonly delivery: number }): string {
  return `${process} ${delivery}`;
}
