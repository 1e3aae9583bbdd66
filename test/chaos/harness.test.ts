import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seeded } from "../../src/cli/demo/scenario/random.ts";
import { defaultEffects, planEffect } from "./effect.ts";
import { REQUESTS_FILE } from "./endpoint-request.ts";
import { wholeTurn } from "./event-loop.ts";
import { HistoryFile } from "./history-file.ts";
import { readLogs } from "./logs.ts";
import { machineMs } from "./machine-clock.ts";
import { type Planned, type ServerFault, serverFaults, type WorkerFault, workerFaults } from "./plan.ts";
import { isDispatchedOnce, load } from "./producer.ts";

const taken = <Item>(items: Generator<Item, never>, count: number): readonly Item[] =>
  Array.from({ length: count }, () => items.next().value);
const kindsOf = (plan: readonly Planned<ServerFault | WorkerFault>[]): ReadonlySet<string> =>
  new Set(plan.map(({ fault }) => fault.kind));

describe("a plan", () => {
  it("depends on the seed alone", () => {
    const faults = (seed: number) => taken(serverFaults(seeded(seed), 3), 30);
    expect(faults(1)).toEqual(faults(1));
    expect(faults(1)).not.toEqual(faults(2));
    const publications = (seed: number) =>
      taken(load(seeded(seed), { perSecond: 25, once: "once", recurring: "recurring" }), 100);
    expect(publications(1)).toEqual(publications(1));
    expect(planEffect(defaultEffects, 1, "once-1", 1, 2_000)).toEqual(
      planEffect(defaultEffects, 1, "once-1", 1, 2_000),
    );
  });

  it("contains every kind of fault before any kind repeats", () => {
    expect(kindsOf(taken(serverFaults(seeded(7), 3), 9))).toHaveLength(7);
    expect(kindsOf(taken(workerFaults(seeded(7), 3, 3_000), 7))).toHaveLength(4);
  });

  it("publishes most events once, some several times, and lets a few recur", () => {
    const publications = taken(load(seeded(3), { perSecond: 25, once: "once", recurring: "recurring" }), 2_000);
    const once = publications.filter(({ event }) => isDispatchedOnce(event));
    expect(new Set(once.map(({ event }) => event))).toHaveLength(once.length);
    const copied = once.filter(({ copiesMs }) => copiesMs.length > 1).length / once.length;
    expect(copied).toBeGreaterThan(0.25);
    expect(copied).toBeLessThan(0.4);
    const recurring = publications.filter(({ event }) => !isDispatchedOnce(event));
    expect(new Set(recurring.map(({ event }) => event)).size).toBeLessThan(recurring.length / 4);
  });
});

describe("a whole turn of the event loop", () => {
  it("runs every timer that was due when it began, however long the process was paused", async () => {
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

describe("the logs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "latchkey-logs-"));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, REQUESTS_FILE), "");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const written = (file: string, process: string): void => {
    const history = new HistoryFile(join(folder, file));
    history.recorder(process).note({ type: "frozen" });
    history.close();
  };
  const truncate = (file: string): void => writeFileSync(join(folder, file), '{"atMs":1,"proc', { flag: "a" });

  it("contain the lines of all processes", async () => {
    written("w1.1.ndjson", "w1.1");
    written("w2.1.ndjson", "w2.1");
    const { history, requests, truncated } = await readLogs(folder);
    expect(history.map(({ type }) => type)).toEqual(["history", "frozen", "history", "frozen"]);
    expect({ requests, truncated }).toEqual({ requests: [], truncated: [] });
  });

  it("omit at most the last line of a killed process", async () => {
    written("w1.1.ndjson", "w1.1");
    truncate("w1.1.ndjson");
    await expect(readLogs(folder)).rejects.toThrow(
      "The last line of w1.1 is incomplete, but the process was not killed",
    );
    const harness = new HistoryFile(join(folder, "harness.ndjson"));
    harness.recorder("w1.1").note({ type: "died" });
    harness.close();
    const { history, truncated } = await readLogs(folder);
    expect(truncated).toEqual(["w1.1"]);
    expect(history).toHaveLength(4);
  });

  it("are refused if any other line cannot be read", async () => {
    written("w1.1.ndjson", "w1.1");
    writeFileSync(join(folder, "w1.1.ndjson"), "{}\n", { flag: "a" });
    await expect(readLogs(folder)).rejects.toThrow("w1.1.ndjson cannot be read");
    rmSync(join(folder, "w1.1.ndjson"));
    writeFileSync(join(folder, REQUESTS_FILE), "{}\n");
    await expect(readLogs(folder)).rejects.toThrow("Expected a request in requests.txt, got {}");
  });
});
