import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seeded } from "../../src/cli/demo/random.ts";
import { planEffect, usualEffects } from "./effect.ts";
import { wholeTurn } from "./event-loop.ts";
import { readEvidence } from "./evidence.ts";
import { HistoryFile } from "./history-file.ts";
import { machineMs } from "./machine-clock.ts";
import { type Planned, type ServerFault, serverFaults, type WorkerFault, workerFaults } from "./plan.ts";
import { isOnceAndForAll, load } from "./producer.ts";

const taken = <Item>(items: Generator<Item, never>, count: number): readonly Item[] =>
  Array.from({ length: count }, () => items.next().value);
const kindsOf = (plan: readonly Planned<ServerFault | WorkerFault>[]): ReadonlySet<string> =>
  new Set(plan.map(({ fault }) => fault.kind));

describe("a plan", () => {
  it("is the same for the same seed, and another for another", () => {
    const faults = (seed: number) => taken(serverFaults(seeded(seed), 3), 30);
    expect(faults(1)).toEqual(faults(1));
    expect(faults(1)).not.toEqual(faults(2));
    const publications = (seed: number) =>
      taken(load(seeded(seed), { perSecond: 25, once: "once", again: "again" }), 100);
    expect(publications(1)).toEqual(publications(1));
    expect(planEffect(usualEffects, 1, "once-1", 1, 2_000)).toEqual(planEffect(usualEffects, 1, "once-1", 1, 2_000));
  });

  it("brings every kind of fault before any comes again", () => {
    expect(kindsOf(taken(serverFaults(seeded(7), 3), 9))).toHaveLength(7);
    expect(kindsOf(taken(workerFaults(seeded(7), 3, 3_000), 7))).toHaveLength(4);
  });

  it("publishes most events once, some of them more than once, and a few again and again", () => {
    const publications = taken(load(seeded(3), { perSecond: 25, once: "once", again: "again" }), 2_000);
    const once = publications.filter(({ event }) => isOnceAndForAll(event));
    expect(new Set(once.map(({ event }) => event))).toHaveLength(once.length);
    const copied = once.filter(({ copiesMs }) => copiesMs.length > 1).length / once.length;
    expect(copied).toBeGreaterThan(0.25);
    expect(copied).toBeLessThan(0.4);
    const again = publications.filter(({ event }) => !isOnceAndForAll(event));
    expect(new Set(again.map(({ event }) => event)).size).toBeLessThan(again.length / 4);
  });
});

describe("a whole turn of the event loop", () => {
  it("has run every timer that was due when it began, however long the process stood still", async () => {
    let ran = 0;
    for (const delayMs of [1, 5, 10]) setTimeout(() => (ran += 1), delayMs);
    const wakesAtMs = machineMs() + 30;
    while (machineMs() < wakesAtMs);
    expect(ran).toBe(0);
    const beganMs = await wholeTurn();
    expect(ran).toBe(3);
    expect(beganMs).toBeGreaterThanOrEqual(wakesAtMs);
  });
});

describe("the evidence", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "latchkey-evidence-"));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "books.txt"), "");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const written = (file: string, process: string): void => {
    const history = new HistoryFile(join(folder, file));
    history.recorder(process).note({ type: "frozen" });
    history.close();
  };
  const tear = (file: string): void => writeFileSync(join(folder, file), '{"atMs":1,"proc', { flag: "a" });

  it("is what all processes wrote down", async () => {
    written("w1.1.ndjson", "w1.1");
    written("w2.1.ndjson", "w2.1");
    const { history, books, torn } = await readEvidence(folder);
    expect(history.map(({ type }) => type)).toEqual(["history", "frozen", "history", "frozen"]);
    expect({ books, torn }).toEqual({ books: [], torn: [] });
  });

  it("lacks at most the last line of a process that was killed", async () => {
    written("w1.1.ndjson", "w1.1");
    tear("w1.1.ndjson");
    await expect(readEvidence(folder)).rejects.toThrow("The last line of w1.1 is torn, and nobody killed it");
    const conductor = new HistoryFile(join(folder, "conductor.ndjson"));
    conductor.recorder("w1.1").note({ type: "died" });
    conductor.close();
    const { history, torn } = await readEvidence(folder);
    expect(torn).toEqual(["w1.1"]);
    expect(history).toHaveLength(4);
  });

  it("is refused where any other line cannot be read", async () => {
    written("w1.1.ndjson", "w1.1");
    writeFileSync(join(folder, "w1.1.ndjson"), "{}\n", { flag: "a" });
    await expect(readEvidence(folder)).rejects.toThrow("w1.1.ndjson cannot be read");
    rmSync(join(folder, "w1.1.ndjson"));
    writeFileSync(join(folder, "books.txt"), "{}\n");
    await expect(readEvidence(folder)).rejects.toThrow("The endpoint booked {}");
  });
});
