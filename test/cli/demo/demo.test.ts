import { describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { memoryBackend } from "../../../src/cli/demo/broker/memory-backend.ts";
import { startEndpoint } from "../../../src/cli/demo/endpoint.ts";
import { playScenario } from "../../../src/cli/demo/play-scenario.ts";
import { Fleet } from "../../../src/cli/demo/replicas/fleet.ts";
import type { Incident } from "../../../src/cli/demo/replicas/incident.ts";
import { holdsGuarantees, type Summary, summarize } from "../../../src/cli/demo/report/summary.ts";
import { seeded } from "../../../src/cli/demo/scenario/random.ts";
import { loadSamples } from "../../../src/cli/demo/scenario/samples.ts";
import { planScenario } from "../../../src/cli/demo/scenario/scenario.ts";
import { httpTarget } from "../../../src/cli/run/target/http-target.ts";
import { type Clock, systemClock } from "../../../src/internal/clock.ts";
import type { Store } from "../../../src/model/store.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { FakeIo } from "../support/fake-io.ts";

const TIMES = 3;

/** Start of a clock that runs faster than real time, for demos small enough for a busy machine. */
const bornAtMs = systemClock.wallMs() - systemClock.monotonicMs() * TIMES;
const quickClock: Clock = {
  monotonicMs: () => systemClock.monotonicMs() * TIMES,
  wallMs: () => Math.floor(bornAtMs + systemClock.monotonicMs() * TIMES),
  schedule: (delayMs, run) => systemClock.schedule(delayMs / TIMES, run),
};

describe("latchkey demo", () => {
  it("loses no event, dispatches none again after its commit, and prints a summary", async () => {
    const io = new FakeIo();
    expect(await runCli(["demo", "--seed", "42"], io)).toBe(0);
    const { text } = io.out;
    for (const printed of [
      "--seed 42",
      "duplicate ",
      "pending ",
      "refused ",
      "retried ",
      "crash ",
      "takeover ",
      "after the endpoint accepted",
    ]) {
      expect(text).toContain(printed);
    }
    const table = new Map(
      [...text.matchAll(/^ {2,4}([a-z ]+?) {2,}([\d,]+)/gm)].map(([, label = "", number = ""]) => [
        label,
        Number(number.replaceAll(",", "")),
      ]),
    );
    expect(Object.fromEntries(table)).toMatchObject({ events: 329, lost: 0, "dispatched twice after commit": 0 });
    const at = (label: string): number => table.get(label) ?? Number.NaN;
    expect(at("dispatches")).toBe(at("done") + at("refused by the endpoint") + at("aborted by a crash"));
    // On a slow machine, an event can be dispatched more than twice before its commit.
    expect(at("done")).toBeGreaterThanOrEqual(at("events") + at("done again before commit"));
    for (const label of ["duplicates suppressed", "pending", "retried after failure", "done again before commit"]) {
      expect(at(label)).toBeGreaterThan(0);
    }
    expect(text.split("\n").length).toBeLessThan(100);
    expect(text).not.toContain("\u001b");
    expect(io.listeners).toBe(0);
  });

  it("serves an inspector that stays open at a terminal until Ctrl-C", async () => {
    const io = new FakeIo({ clock: quickClock, terminal: true });
    const running = runCli(["demo", "--seed", "42"], io);
    await io.out.until("The inspector stays open at ");
    const [, url = ""] = /The inspector stays open at (\S+)\n/.exec(io.out.text) ?? [];
    expect(io.out.text.split("The inspector stays open")[0]).toContain(`  inspector  ${url}`);
    const recording = await (await fetch(new URL("/api/recording", url))).text();
    for (const type of ["reserved", "committed", "duplicate", "pending", "failed", "lapsed"]) {
      expect(recording).toContain(`{"type":"${type}"`);
    }
    for (const replica of ["replica 1", "replica 4"]) expect(recording).toContain(`"replica":"${replica}"`);
    io.interrupt();
    // On a busy machine, a request can arrive after those of a later holder. The exit code follows the summary.
    expect(await running).toBe(io.out.text.includes("✗") ? 1 : 0);
    await expect(fetch(url)).rejects.toThrow();
    expect(io.listeners).toBe(0);
  });

  it("gives up on a slow machine, and prints the unfinished events", async () => {
    // A minute of the demo in a tenth of a second.
    const io = new FakeIo({
      clock: {
        monotonicMs: () => systemClock.monotonicMs() * 600,
        wallMs: () => systemClock.wallMs(),
        schedule: (delayMs, run) => systemClock.schedule(delayMs / 600, run),
      },
    });
    expect(await runCli(["demo"], io)).toBe(1);
    expect(io.out.text).toContain("Gave up after 60 s: not everything was acknowledged.\n");
    expect(io.out.text).toMatch(/lost +\d+ {2}✗\n/);
  });

  it("stops when it is interrupted", async () => {
    const io = new FakeIo({ clock: quickClock });
    const running = runCli(["demo"], io);
    await io.out.until("duplicate");
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.out.text).toMatch(/Interrupted: .*\n$/);
  });
});

describe("the summary of the demo", () => {
  async function summaryWith(store: Store): Promise<Summary> {
    const random = seeded(3);
    const lines = loadSamples(random).lines.slice(0, 60);
    const scenario = planScenario({ lines, random, durationMs: 1_000, crashes: 1 });
    const commits = new Map<string, number>();
    await using endpoint = await startEndpoint(scenario, quickClock);
    await using backend = memoryBackend(quickClock, commits, store);
    const incidents: Incident[] = [];
    const fleet = new Fleet({
      backend,
      scenario,
      target: httpTarget(endpoint.url, { clock: quickClock }),
      clock: quickClock,
      onIncident: (incident) => incidents.push(incident),
      onDeduplicator: () => {},
    });
    const end = await playScenario(scenario, backend, fleet, quickClock, new AbortController().signal);
    expect(end).toBe("settled");
    expect(incidents.map(({ type }) => type)).toContain("crashed");
    const sent = new Set(scenario.events.keys());
    return summarize({ sent, requests: endpoint.requests, broker: await backend.records(), commits });
  }

  it("is clean for a correct store", async () => {
    expect(holdsGuarantees(await summaryWith(memoryStore({ clock: quickClock })))).toBe(true);
  });

  it("finds a store that forgets commits", async () => {
    const honest = memoryStore({ clock: quickClock });
    const store: Store = {
      ...honest,
      put: (key, record, how) => honest.put(key, record, record.state === "committed" ? { ...how, ttlMs: 1 } : how),
    };
    expect((await summaryWith(store)).afterCommit).toBeGreaterThan(0);
  });

  it("finds a store that treats a reservation as a commit", async () => {
    const honest = memoryStore({ clock: quickClock });
    const store: Store = {
      ...honest,
      put: (key, record, how) => honest.put(key, { ...record, state: "committed" }, { ...how, ttlMs: 600_000 }),
    };
    expect((await summaryWith(store)).lost).toBeGreaterThan(0);
  });
});
