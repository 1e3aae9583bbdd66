import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AckLog } from "../../../src/cli/demo/broker/ack-log.ts";
import type { Backend, BrokerAnswer } from "../../../src/cli/demo/broker/backend.ts";
import { loggedStore } from "../../../src/cli/demo/broker/commit-log.ts";
import { type BrokerDelivery, MemoryBroker } from "../../../src/cli/demo/broker/memory-broker.ts";
import { type ReceivedRequest, startEndpoint } from "../../../src/cli/demo/endpoint.ts";
import { playScenario, REPLICAS, TIME_LIMIT_MS } from "../../../src/cli/demo/play-scenario.ts";
import { Fleet } from "../../../src/cli/demo/replicas/fleet.ts";
import { KillSwitch, killableClock, killableStore } from "../../../src/cli/demo/replicas/kill-switch.ts";
import { demoSummaryText } from "../../../src/cli/demo/report/demo-text.ts";
import { holdsGuarantees, type Summary, summarize } from "../../../src/cli/demo/report/summary.ts";
import { between, seeded, shuffled, uuid } from "../../../src/cli/demo/scenario/random.ts";
import { loadSamples } from "../../../src/cli/demo/scenario/samples.ts";
import { plannedFor, planScenario } from "../../../src/cli/demo/scenario/scenario.ts";
import { readEvent } from "../../../src/cli/run/event/read-event.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import type { ReservationRecord } from "../../../src/model/record.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const anySeed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("the seeded random numbers", () => {
  it("are the same for the same seed, and within the bounds", () => {
    fc.assert(
      fc.property(anySeed, fc.nat({ max: 100 }), fc.nat({ max: 100 }), (seed, min, more) => {
        const [one, other] = [seeded(seed), seeded(seed)];
        for (let times = 0; times < 20; times += 1) {
          const number = between(one, min, min + more);
          expect(number).toBe(between(other, min, min + more));
          expect(number >= min && number <= min + more).toBe(true);
        }
        expect(uuid(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it("are evenly distributed", () => {
    const random = seeded(1);
    const counts = [0, 0, 0, 0, 0];
    for (let times = 0; times < 50_000; times += 1) {
      const at = between(random, 0, 4);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts.every((count) => count > 9_500 && count < 10_500)).toBe(true);
  });

  it("shuffle a list without losing items", () => {
    fc.assert(
      fc.property(anySeed, fc.array(fc.integer()), (seed, items) => {
        expect([...shuffled(seeded(seed), items)].sort()).toEqual([...items].sort());
      }),
    );
  });
});

describe("the scenario", () => {
  const samples = loadSamples(seeded(1));

  it("uses all published examples", () => {
    expect(samples.what).toBe("GitHub webhook deliveries");
    expect(samples.lines.length).toBeGreaterThan(300);
  });

  it("uses generated orders if the examples are missing or malformed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "latchkey-samples-"));
    const odd = join(folder, "odd.json");
    await writeFile(odd, '[{ "name": "push" }, { "examples": [{}] }, "text"]');
    for (const source of ["@latchkey/is-not-installed", "xstate", odd]) {
      const { what, lines } = loadSamples(seeded(1), source);
      expect(what).toContain("generated orders");
      const events = lines.map((line) => readEvent(Buffer.from(line)));
      expect(new Set(events.map((reading) => ("event" in reading ? reading.event.eventId : "none"))).size).toBe(300);
    }
    const broken = join(folder, "broken.json");
    await writeFile(broken, "[");
    expect(() => loadSamples(seeded(1), broken)).toThrow(SyntaxError);
    await rm(folder, { recursive: true });
  });

  it("sends every event at least once, in order of time, and plans the given number of crashes", () => {
    fc.assert(
      fc.property(anySeed, fc.integer({ min: 1, max: 5 }), (seed, crashes) => {
        const lines = samples.lines.slice(0, 60);
        const scenario = planScenario({ lines, random: seeded(seed), durationMs: 1_000, crashes });
        expect(scenario.events.size).toBe(60);
        expect(new Set(scenario.sends.map(({ eventId }) => eventId))).toEqual(new Set(scenario.events.keys()));
        const times = scenario.sends.map(({ atMs }) => atMs);
        expect(times).toEqual([...times].sort((one, other) => one - other));
        expect(times.every((atMs) => atMs >= 0 && atMs <= 1_000)).toBe(true);
        const planned = [...scenario.events.values()];
        expect(planned.filter(({ crash }) => crash !== undefined)).toHaveLength(crashes);
        expect(planned.every(({ crash, refusals }) => crash === undefined || refusals === 0)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("refuses an invalid event, and has no plan for an unknown one", () => {
    const plan = (lines: readonly string[]) => planScenario({ lines, random: seeded(5), durationMs: 1, crashes: 1 });
    expect(() => plan(["nonsense"])).toThrow(TypeError);
    expect(() => plannedFor(plan(samples.lines.slice(0, 1)), "another")).toThrow("The demo does not send `another`");
  });

  it("is the same for the same seed", () => {
    const plan = () => planScenario({ lines: samples.lines, random: seeded(5), durationMs: 1_000, crashes: 3 });
    expect(plan().sends).toEqual(plan().sends);
  });
});

describe("the in-memory broker", () => {
  const ACK_WAIT_MS = 1_000;

  async function next(broker: MemoryBroker): Promise<BrokerDelivery> {
    return await broker.next(new AbortController().signal);
  }

  it("redelivers an unacknowledged message, and ignores a late answer", async () => {
    const clock = new SimulatedClock();
    const broker = new MemoryBroker(clock, ACK_WAIT_MS);
    broker.publish("a");
    const first = await next(broker);
    clock.advance(ACK_WAIT_MS - 1);
    first.inProgress();
    clock.advance(ACK_WAIT_MS - 1);
    expect(broker.records.deliveries).toBe(1);
    const waiting = next(broker);
    clock.advance(1);
    const second = await waiting;
    expect([second.id, second.line, second.count]).toEqual(["1.2", "a", 2]);
    first.acknowledge();
    first.nak(0);
    first.inProgress();
    expect(broker.isIdle).toBe(false);
    second.acknowledge();
    second.acknowledge();
    expect(broker.isIdle).toBe(true);
    expect(broker.records).toEqual({ deliveries: 2, answers: new Map([["1.2", "acknowledged"]]) });
    expect(clock.timers).toBe(0);
  });

  it("redelivers a message after the delay of its nak", async () => {
    const clock = new SimulatedClock();
    const broker = new MemoryBroker(clock, ACK_WAIT_MS);
    broker.publish("a");
    (await next(broker)).nak(5_000);
    clock.advance(4_999);
    broker.publish("b");
    expect((await next(broker)).line).toBe("b");
    const waiting = next(broker);
    clock.advance(1);
    expect((await waiting).id).toBe("1.2");
  });

  it("delivers nothing to an aborted waiter", async () => {
    const broker = new MemoryBroker(new SimulatedClock(), ACK_WAIT_MS);
    const gone = new AbortController();
    void broker.next(gone.signal).then(() => expect.unreachable());
    gone.abort();
    const waiting = next(broker);
    broker.publish("a");
    expect((await waiting).line).toBe("a");
  });
});

describe("a killed replica", () => {
  const { storeKey, ...identity } = resolveIdentity({ subscriptionId: "s", eventId: "e" });
  const record: ReservationRecord = {
    v: 1,
    state: "reserved",
    workspaceId: identity.workspaceId,
    subscriptionId: identity.subscriptionId,
    eventId: identity.eventId,
    owner: "me",
    token: "t",
    attempt: 1,
    fence: 0,
    leaseMs: 1_000,
    atMs: 0,
  };

  it("gets no answer to its last request, which may be applied, and sends no more", async () => {
    const clock = new SimulatedClock();
    const shared = memoryStore({ clock });
    const killSwitch = new KillSwitch();
    const store = killableStore(shared, killSwitch);
    let heard = false;
    void store.put(storeKey, record, { expected: 0, ttlMs: 9_000 }).finally(() => {
      heard = true;
    });
    killSwitch.kill();
    void store.remove?.(storeKey, { expected: 1 }).finally(() => {
      heard = true;
    });
    await clock.advanceAsync(1);
    expect(heard).toBe(false);
    expect(await shared.get(storeKey)).toMatchObject({ record, revision: 1 });
  });

  it("has a store with the same members as the shared one", async () => {
    const { put, get } = memoryStore();
    const killSwitch = new KillSwitch();
    expect(killableStore({ put, get }, killSwitch)).not.toHaveProperty("remove");
    expect(killableStore({ put, get }, killSwitch)).not.toHaveProperty("maxWindowMs");
    expect(killableStore({ put, get, maxWindowMs: 5 }, killSwitch).maxWindowMs).toBe(5);
    const boom = new Error("boom");
    const store = killableStore({ put, get: () => Promise.reject(boom) }, killSwitch);
    await expect(store.get(storeKey)).rejects.toBe(boom);
    const witnessed = loggedStore({ put, get }, new Map(), new SimulatedClock());
    expect(witnessed).not.toHaveProperty("remove");
  });

  it("has no timers", () => {
    const clock = new SimulatedClock();
    const killSwitch = new KillSwitch();
    const own = killableClock(clock, killSwitch);
    let ran = 0;
    own.schedule(1, () => {
      ran += 1;
    });
    own.schedule(2, () => {
      ran += 1;
    });
    clock.advance(1);
    killSwitch.kill();
    own.schedule(1, () => {
      ran += 1;
    });
    clock.advance(10);
    expect([ran, clock.timers]).toEqual([1, 0]);
  });
});

describe("the endpoint of the demo", () => {
  it("answers requests without an event id", async () => {
    const scenario = planScenario({ lines: [], random: seeded(1), durationMs: 1, crashes: 1 });
    await using endpoint = await startEndpoint(scenario, systemClock);
    const answer = await fetch(endpoint.url, { method: "POST", body: "hello" });
    expect(answer.status).toBe(204);
    expect(endpoint.requests).toMatchObject([{ eventId: "", delivery: "", end: "done" }]);
  });
});

describe("a demo that does not finish", () => {
  it("gives up after a minute, and stops its replicas", async () => {
    const clock = new SimulatedClock();
    const scenario = planScenario({
      lines: loadSamples(seeded(1)).lines.slice(0, 5),
      random: seeded(1),
      durationMs: 10,
      crashes: 1,
    });
    let stopped = 0;
    const backend: Backend = {
      what: "a backend that loses everything",
      store: memoryStore({ clock }),
      publish: async () => {},
      start: async () => ({
        stop: async () => {
          stopped += 1;
        },
      }),
      isIdle: async () => false,
      records: async () => ({ deliveries: 0, answers: new Map() }),
      [Symbol.asyncDispose]: async () => {},
    };
    const target = { kind: "endpoint", name: "nowhere", dispatch: async () => undefined } as const;
    const fleet = new Fleet({ backend, scenario, target, clock, onIncident: () => {}, onDeduplicator: () => {} });
    const playing = playScenario(scenario, backend, fleet, clock, new AbortController().signal);
    await clock.advanceAsync(TIME_LIMIT_MS + 100);
    expect(await playing).toBe("gave up");
    expect(stopped).toBe(REPLICAS);
  });
});

describe("the summary", () => {
  const request = (
    eventId: string,
    end: ReceivedRequest["end"],
    more: Partial<ReceivedRequest> = {},
  ): ReceivedRequest => ({
    eventId,
    delivery: `${eventId}.1`,
    fence: 1,
    atMs: 10,
    end,
    ...more,
  });

  function summarized(
    sent: readonly string[],
    requests: readonly ReceivedRequest[],
    more: { answers?: Record<string, BrokerAnswer>; deliveries?: number; commits?: Record<string, number> } = {},
  ): Summary {
    const answers = new Map(Object.entries(more.answers ?? {}));
    return summarize({
      sent: new Set(sent),
      requests,
      broker: { deliveries: more.deliveries ?? answers.size, answers },
      commits: new Map(Object.entries(more.commits ?? {})),
    });
  }

  it("counts events that were never dispatched as lost", () => {
    const summary = summarized(
      ["a", "b", "c", "d"],
      [request("a", "done"), request("b", "refused"), request("c", "aborted")],
    );
    expect(summary).toMatchObject({ events: 4, dispatches: 3, done: 1, refused: 1, aborted: 1, lost: 3 });
    expect(holdsGuarantees(summary)).toBe(false);
  });

  it("counts requests after the commit of their event, with any outcome", () => {
    for (const end of ["done", "refused", "aborted"] as const) {
      const requests = [request("a", "done", { atMs: 10 }), request("a", end, { atMs: 30, fence: 2 })];
      expect(summarized(["a"], requests, { commits: { a: 20 } })).toMatchObject({ afterCommit: 1, lost: 0 });
    }
    expect(
      holdsGuarantees(
        summarized(["a"], [request("a", "done"), request("a", "done", { atMs: 30 })], { commits: { a: 20 } }),
      ),
    ).toBe(false);
  });

  it("distinguishes a repetition before the commit from one after it", () => {
    const requests = [request("a", "done"), request("a", "done", { atMs: 30, fence: 2 })];
    const summary = summarized(["a"], requests, { commits: { a: 40 } });
    expect(summary).toMatchObject({ doneAgain: 1, afterCommit: 0, lost: 0 });
    expect(holdsGuarantees(summary)).toBe(true);
  });

  it("counts fences that fell", () => {
    const requests = [request("a", "aborted", { fence: 5 }), request("a", "done", { fence: 4 })];
    const summary = summarized(["a"], requests);
    expect(summary).toMatchObject({ fencesFallen: 1, retried: 1 });
    expect(holdsGuarantees(summary)).toBe(false);
  });

  it("marks each guarantee as held or violated", () => {
    const broken = summarized(["a", "b"], [request("a", "done"), request("a", "done", { atMs: 30 })], {
      commits: { a: 20 },
    });
    const text = demoSummaryText(broken, 1_000, (_, painted) => painted);
    expect(text).toMatch(/lost +1 {2}✗\n/);
    expect(text).toMatch(/dispatched twice after commit +1 {2}✗\n/);
    expect(text).toMatch(/fences that fell +0 {2}✓\n/);
  });

  it("counts deliveries without a request as suppressed or pending", () => {
    const answers = { "a.1": "acknowledged", "a.2": "acknowledged", "a.3": "nak", "b.1": "nak" } as const;
    const summary = summarized(["a", "b"], [request("a", "done"), request("b", "refused")], { answers, deliveries: 6 });
    expect(summary).toMatchObject({ deliveries: 6, suppressed: 1, pending: 1, unanswered: 2 });
  });
});

describe("the ack log", () => {
  it("reads message and delivery from both forms of the subject", () => {
    const acks = new AckLog("S");
    const take = (subject: string, payload: string): void => acks.take({ subject, string: () => payload });
    take("$JS.ACK.S.C.1.17.21.1700000000000.3", '-NAK {"delay": 1}');
    take("$JS.ACK.S.C.2.17.22.1700000000000.3", "+WPI");
    take("$JS.ACK.S.C.2.17.22.1700000000000.3", "+ACK");
    take("$JS.ACK._.hash.S.C.1.18.23.1700000000000.3.x", "");
    take("$JS.ACK.S.C.1.19.24.1700000000000.3", "+TERM for a reason");
    take("$JS.ACK.other.C.1.99.24.1700000000000.3", "+ACK");
    expect(acks.answers).toEqual(
      new Map([
        ["17.1", "nak"],
        ["17.2", "acknowledged"],
        ["18.1", "acknowledged"],
        ["19.1", "terminated"],
      ]),
    );
    expect(acks.acknowledged).toBe(2);
  });
});
