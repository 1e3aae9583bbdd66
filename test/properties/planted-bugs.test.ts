import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { checkHistory, type Guarantee } from "../../src/testing/check-history.ts";
import type { FaultBudget } from "../../src/testing/faults.ts";
import { formatSchedule, type Schedule } from "../../src/testing/schedule.ts";
import { simulate } from "../../src/testing/simulate.ts";
import { anySchedule, worldWith } from "../support/faulty-world.ts";
import { latchkeyService } from "../support/latchkey-service.ts";
import { clearGarden, type PlantedBug, plant } from "../support/planted-bugs.ts";

/** A bug, the guarantee that it breaks, and the faults under which it shows. */
interface Expectation extends PlantedBug {
  readonly breaks: Guarantee | "the run's end";
  readonly faults: FaultBudget;
}

/** The search begins at the same place every time, so that a bug which was caught stays caught. */
const SEED = 1;
const MOST_RUNS = 3_000;

const machine = "machines/dedup-key.ts";
const ownRecord = "src/own-record.ts";
const caller = "src/caller.ts";
const lease = "src/lease.ts";
const store = "src/memory-store.ts";

const bugs: readonly Expectation[] = [
  {
    name: "a commit is written over another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 1 },
    patches: [
      {
        file: machine,
        find: `"found.reservation": takenUnlessOlder,`,
        replace: `"found.reservation": { target: ".writing", actions: "noteRevision" },`,
      },
    ],
  },
  {
    name: "a commit that met a conflict is called confirmed",
    breaks: "G9",
    faults: { "clock jump": 3, redelivery: 3, "late write": 2 },
    patches: [
      {
        file: machine,
        find: `            actions: ["noteRevision", settle(as)],
          },
          "write.conflicted": "looking",`,
        replace: `            actions: ["noteRevision", settle(as)],
          },
          "write.conflicted": { target: "#dedupKey.committed", actions: settle(as) },`,
      },
    ],
  },
  {
    name: "a release removes another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 1, "failing effect": 1 },
    patches: [
      {
        file: machine,
        find: `"found.reservation": releasedUnlessOlder,`,
        replace: `"found.reservation": { target: ".removing", actions: "noteRevision" },`,
      },
    ],
  },
  {
    name: "a renewal is written over another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 2 },
    patches: [
      {
        file: machine,
        find: `"found.reservation": lostUnlessOlder,`,
        replace: `"found.reservation": { target: ".renewing", actions: "noteRevision" },`,
      },
      {
        file: lease,
        find: `if (this.#nowMs < this.#endsAtMs) this.#of.send({ type: "renewal.due" });`,
        replace: `this.#of.send({ type: "renewal.due" });`,
      },
      {
        file: lease,
        find: `this.#end = this.#of.deadlines.add(this.#endsAtMs, () => this.#of.send({ type: "lease.ended" }));`,
        replace: ``,
      },
    ],
  },
  {
    name: "a reservation that has ended is taken for one's own without a write",
    breaks: "G5",
    faults: { crash: 2, "clock jump": 3, redelivery: 3 },
    patches: [
      {
        file: machine,
        find: `{ guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },`,
        replace: `{ guard: "hasEndedAndMayClaimAgain", target: "reserved", actions: ["grant", "armDeadline", "startHandler"] },`,
      },
      { file: store, find: `endsAtMs: nowMs + how.ttlMs`, replace: `endsAtMs: Infinity` },
    ],
  },
  {
    name: "a key that nobody holds any more is dispatched without a write",
    breaks: "G1",
    faults: { "stale read": 2, redelivery: 1 },
    patches: [
      {
        file: machine,
        find: `{ guard: "mayClaimAgain", target: ".claiming", actions: "expectNothing" },`,
        replace: `{ target: "reserved", actions: ["grant", "armDeadline", "startHandler"] },`,
      },
    ],
  },
  {
    name: "a key that is reserved is called a duplicate",
    breaks: "G2",
    faults: { redelivery: 2 },
    patches: [
      {
        file: "src/engine.ts",
        find: `if (verdict.found === "duplicate") {`,
        replace: `if (verdict.found === "duplicate" || (verdict.found === "pending" && verdict.entry !== undefined)) {`,
      },
      {
        file: "src/engine.ts",
        find: `const { record } = verdict.entry;`,
        replace: `const record: any = verdict.entry?.record;`,
      },
    ],
  },
  {
    name: "one's own write is not recognised after a timeout",
    breaks: "G8",
    faults: { "lost answer": 4 },
    patches: [
      { file: ownRecord, find: `return record.token === this.#token;`, replace: `return record.token === "";` },
    ],
  },
  {
    name: "the signal fires after the lease's end",
    breaks: "G6",
    faults: { "clock jump": 1 },
    patches: [
      {
        file: lease,
        find: `this.#end = this.#of.deadlines.add(this.#endsAtMs,`,
        replace: `this.#end = this.#of.deadlines.add(this.#endsAtMs + 500,`,
      },
    ],
  },
  {
    name: "the signal does not fire",
    breaks: "G6",
    faults: { "clock jump": 1 },
    patches: [
      {
        file: caller,
        find: `    this.#abort?.abort(this.#lost);
`,
        replace: ``,
      },
    ],
  },
  {
    name: "another's reservation is taken over as soon as it is seen",
    breaks: "G5",
    faults: { redelivery: 3 },
    patches: [
      {
        file: "src/observed-leases.ts",
        find: `return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;`,
        replace: `return sinceMs - nowMs;`,
      },
    ],
  },
  {
    name: "a claim that timed out is taken for a reservation",
    breaks: "G1",
    faults: { "lost request": 3, redelivery: 3 },
    patches: [
      {
        file: machine,
        find: `              { guard: "isInDoubt", target: "backingOff", actions: "noteDoubt" },
              {
                guard: "mayDispatchUnprotected",`,
        replace: `              { guard: "isInDoubt", target: "#dedupKey.reserved", actions: ["armDeadline", "startHandler"] },
              {
                guard: "mayDispatchUnprotected",`,
      },
    ],
  },
  {
    name: "a commit that nobody confirmed is called confirmed",
    breaks: "G9",
    faults: { outage: 2, refusal: 4, "clock jump": 4, "lost request": 3 },
    patches: [{ file: machine, find: `actions: settle("unconfirmed"),`, replace: `actions: settle(as),` }],
  },
  {
    name: "a commit whose key has gone is called confirmed",
    breaks: "G9",
    faults: { "clock jump": 4, redelivery: 2, outage: 1 },
    patches: [
      {
        file: machine,
        find: `      { target: ".writing", actions: "forgetRevision" },`,
        replace: `      { target: "#dedupKey.committed", actions: settle("adopted") },`,
      },
    ],
  },
  {
    name: "a failed dispatch is committed",
    breaks: "G2",
    faults: { "failing effect": 1 },
    patches: [
      {
        file: "src/deduplicator.ts",
        find: `      await decision.fail(error);`,
        replace: `      await decision.commit();`,
      },
    ],
  },
  {
    name: "a dispatch that succeeded is confirmed without a commit",
    breaks: "G9",
    faults: { redelivery: 3 },
    patches: [
      {
        file: machine,
        find: `            "handler.succeeded": "committing",
            "handler.failed": "releasing",`,
        replace: `            "handler.succeeded": { target: "#dedupKey.released", actions: settle("confirmed") },
            "handler.failed": "releasing",`,
      },
    ],
  },
  {
    name: "every fence is the same",
    breaks: "G5",
    faults: { crash: 2, "failing effect": 2 },
    patches: [{ file: machine, find: `fence: revisionIn(event),`, replace: `fence: 1,` }],
  },
  {
    name: "the key of a failed dispatch is renewed for ever",
    breaks: "the run's end",
    faults: { "failing effect": 2 },
    patches: [
      {
        file: machine,
        find: `            "handler.failed": "releasing",
            "lease.ended"`,
        replace: `            "lease.ended"`,
      },
    ],
  },
  {
    name: "the store writes over anything when it expects nothing",
    breaks: "G5",
    faults: { redelivery: 3 },
    patches: [
      {
        file: store,
        find: `if ((found?.revision ?? 0) !== how.expected) return`,
        replace: `if (how.expected !== 0 && found?.revision !== how.expected) return`,
      },
    ],
  },
  {
    name: "the store removes whatever stands there",
    breaks: "G3",
    faults: { "clock jump": 1, "failing effect": 1, redelivery: 1 },
    patches: [
      {
        file: store,
        find: `if (held?.revision !== how.expected) return`,
        replace: `if (held === undefined) return`,
      },
    ],
  },
  {
    name: "the store uses revisions again",
    breaks: "G5",
    faults: { "late write": 3, "failing effect": 3, redelivery: 3, "clock jump": 2 },
    patches: [
      {
        file: store,
        find: `      lastRevision += 1;
      const held =`,
        replace: `      lastRevision = (found?.revision ?? 0) + 1;
      const held =`,
      },
    ],
  },
  {
    name: "the store lets go of a key before its time",
    breaks: "G1",
    faults: { redelivery: 4, "clock jump": 3 },
    patches: [
      {
        file: store,
        find: `endsAtMs: nowMs + how.ttlMs`,
        replace: `endsAtMs: nowMs + how.ttlMs / 4`,
      },
    ],
  },
  {
    name: "the store never lets go, and nobody watches how long a reservation stands",
    breaks: "the run's end",
    faults: { crash: 2 },
    patches: [
      { file: store, find: `endsAtMs: nowMs + how.ttlMs`, replace: `endsAtMs: Infinity` },
      {
        file: "src/observed-leases.ts",
        find: `return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;`,
        replace: `return entry.record.leaseMs;`,
      },
    ],
  },
];

/** What one run of a world with the bug shows. */
async function found(world: ReturnType<typeof worldWith>, schedule: Schedule): Promise<readonly string[]> {
  try {
    const { history } = await simulate(world, schedule);
    return checkHistory(history).map(({ guarantee }) => guarantee);
  } catch {
    return ["the run's end"];
  }
}

describe("planted bugs", () => {
  const rows: string[] = [];
  afterAll(() => {
    clearGarden();
    console.log(`Planted bugs, the guarantee that caught each, and the smallest schedule found:\n${rows.join("\n")}`);
  });

  for (const bug of bugs) {
    it(`${bug.breaks} does not hold when ${bug.name}`, async () => {
      const planted = await plant(bug);
      const world = worldWith(latchkeyService(planted), bug.faults, {
        register: (clock) => planted.memoryStore({ clock }),
      });
      const details = await fc.check(
        fc.asyncProperty(anySchedule, async (schedule) => {
          const shown = await found(world, schedule);
          return !shown.includes(bug.breaks);
        }),
        { numRuns: MOST_RUNS, seed: SEED },
      );
      rows.push(
        `  ${bug.breaks.padEnd(13)} [${formatSchedule(details.counterexample?.[0] ?? [])}]  ${bug.name} (${details.numRuns} runs)`,
      );
      expect(details.failed).toBe(true);
    });
  }
});
