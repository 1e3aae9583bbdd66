import { afterAll, describe, expect, it } from "vitest";
import { clearGarden, type PlantedBug, sow } from "../support/planted-bugs.ts";
import type { CampaignOptions } from "./campaign.ts";
import { discard, expedition } from "./expedition.ts";
import type { Planned, WorkerFault } from "./plan.ts";

afterAll(clearGarden);

/** The same fault again and again, one worker after the other. */
const again = (
  times: number,
  quietMs: number,
  fault: (worker: number) => WorkerFault,
): readonly Planned<WorkerFault>[] =>
  Array.from({ length: times }, (_, index) => ({ quietMs, fault: fault(index % 2) }));

interface Case {
  readonly bug: PlantedBug;
  /** What finds it, among others. */
  readonly foundBy: readonly string[];
  readonly faults: readonly Planned<WorkerFault>[];
}

const cases: readonly Case[] = [
  {
    bug: {
      name: "commits without a compare-and-set",
      patches: [
        {
          file: "src/nats/wire/compare-and-set.ts",
          find: `Nats-Expected-Last-Subject-Sequence: \${expected}\\r\\n`,
          replace: `\${write.payload.includes('"committed"') ? "" : \`Nats-Expected-Last-Subject-Sequence: \${expected}\\r\\n\`}`,
        },
      ],
    },
    foundBy: ["store"],
    faults: again(3, 1_500, (worker) => ({ kind: "stop a worker", worker, forMs: 7_000 })),
  },
  {
    bug: {
      name: "acknowledges what is pending",
      patches: [
        {
          file: "machines/delivery.ts",
          find: '{ target: "putBack", actions: putBack("pending") },',
          replace: '{ target: "acknowledged", actions: "acknowledgeDuplicate" },',
        },
      ],
    },
    foundBy: ["lost"],
    faults: again(8, 2_000, (worker) => ({ kind: "kill a worker", worker, downMs: 0 })),
  },
  {
    bug: {
      name: "tells its handler long after the lease has ended",
      patches: [
        {
          file: "src/engine/lease.ts",
          find: "return (this.#fromMs ?? this.#nowMs) + this.#context.how.leaseMs;",
          replace: "return (this.#fromMs ?? this.#nowMs) + 5 * this.#context.how.leaseMs;",
        },
      ],
    },
    foundBy: ["G6"],
    faults: again(3, 1_500, (worker) => ({ kind: "cut a worker off", worker, how: "swallow", forMs: 7_000 })),
  },
];

/** Where it does not matter that servers fail, one is enough. */
const small: Omit<CampaignOptions, "folder" | "seed"> = {
  forMs: 24_000,
  servers: 1,
  workers: 2,
  eventsPerSecond: 8,
  effects: { slow: 0.2, long: 0.3, failing: 0, stubborn: 0.8, leases: 5 },
  serverFaults: [],
};

describe("a bug in the package under the nemesis", () => {
  it.concurrent.each(cases)("$bug.name: is found", async ({ bug, foundBy, faults }) => {
    const outcome = await expedition("planted", { ...small, seed: 1, root: sow(bug), workerFaults: faults });
    const times = new Map<string, number>();
    for (const { rule } of outcome.findings) times.set(rule, (times.get(rule) ?? 0) + 1);
    console.log(`${bug.name}: found by ${[...times].map(([rule, count]) => `${rule} (${count} times)`).join(", ")}`);
    expect([...times.keys()]).toEqual(expect.arrayContaining([...foundBy]));
    discard(outcome);
  });
});
