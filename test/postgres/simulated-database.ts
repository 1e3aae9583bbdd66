import assert from "node:assert/strict";
import { delay } from "../../src/internal/clock.ts";
import type { Replica } from "../../src/testing/index.ts";

const STATEMENT_MS = 10;

interface Marker {
  readonly key: string;
  readonly name: string;
  readonly fence: number;
  readonly value: string | null;
}

/** A database whose transactions are serializable: the first that commits wins. A process that dies leaves nothing behind. */
export class SimulatedDatabase {
  /** False for a table without its primary key. */
  readonly #isUnique: boolean;
  readonly markers: Marker[] = [];
  /** The idempotency key of every effect that was committed. */
  readonly ledger: string[] = [];

  constructor({ isUnique = true } = {}) {
    this.#isUnique = isUnique;
  }

  find(key: string, name = ""): Marker | undefined {
    return this.markers.find((marker) => marker.key === key && marker.name === name);
  }

  commit(written: readonly Marker[], effects: readonly string[]): void {
    const isTaken = written.some(({ key, name }) => this.find(key, name) !== undefined);
    if (isTaken && this.#isUnique) throw new Error("could not serialize access");
    this.markers.push(...written);
    this.ledger.push(...effects);
  }
}

/** One transaction of a replica. Each statement is a step of the simulation, so a process can die before and after it. */
export class SimulatedTransaction {
  readonly #replica: Replica<SimulatedDatabase>;
  readonly #written: Marker[] = [];
  readonly #effects: string[] = [];

  constructor(replica: Replica<SimulatedDatabase>) {
    this.#replica = replica;
  }

  /** Runs the statements of `effectOnce`. */
  query(text: string, values: readonly (string | number | null)[]): Promise<{ rows: object[] }> {
    return this.statement(() => ({ rows: this.#execute(text, values) }));
  }

  /** Has the effect, as a part of this transaction. */
  addToLedger(key: string): Promise<void> {
    return this.statement(() => void this.#effects.push(key));
  }

  commit(): Promise<void> {
    return this.statement(() => this.#replica.world.commit(this.#written, this.#effects));
  }

  /** The statement takes time, so other replicas run during it. A replica that was paused runs it late. */
  async statement<Value>(act: () => Value): Promise<Value> {
    await delay(this.#replica.clock, STATEMENT_MS, []);
    return act();
  }

  #execute(text: string, values: readonly (string | number | null)[]): object[] {
    const { world } = this.#replica;
    const verb = text.trimStart().slice(0, 6);
    if (verb === "with g") {
      const [key, name, fence] = [String(values[0]), String(values[1]), Number(values[2])];
      const isFenced = world.markers.some((marker) => marker.key === key && marker.fence > fence);
      if (isFenced || world.find(key, name) !== undefined) return [];
      this.#written.push({ key, name, fence, value: null });
      return [{}];
    }
    if (verb === "select") {
      const [name, key] = values;
      return world.markers
        .filter((marker) => marker.key === key)
        .map((marker) => ({ ...marker, own: name === undefined }));
    }
    assert.equal(verb, "update");
    const at = this.#written.findIndex((marker) => marker.key === values[1]);
    const marker = this.#written[at];
    if (marker === undefined) return [];
    this.#written[at] = { ...marker, value: values[0] === null ? null : String(values[0]) };
    return [{}];
  }
}

/** One event has one effect, and its value is kept with it. */
export function holds({ ledger, markers }: SimulatedDatabase): void {
  assert.equal(ledger.length, 1, `ledger: ${ledger.length} effects were committed for one event`);
  for (const { key, value } of markers) {
    assert.equal(value, JSON.stringify(`receipt of ${key}`), "ledger: the marker has no value");
  }
}
