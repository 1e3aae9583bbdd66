import { afterAll, describe, expect, it } from "vitest";
import { copyWithBug, type PlantedBug, removePlantedCopies } from "../support/planted-bugs.ts";
import type { CampaignOptions } from "./campaign.ts";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";
import type { EffectMix } from "./effect.ts";
import type { Planned, WorkerFault } from "./plan.ts";

afterAll(removePlantedCopies);

/** Returns the same fault several times, for one worker after the other. */
const repeated = (
  times: number,
  quietMs: number,
  fault: (worker: number) => WorkerFault,
): readonly Planned<WorkerFault>[] =>
  Array.from({ length: times }, (_, index) => ({ quietMs, fault: fault(index % 2) }));

interface Case {
  readonly bug: PlantedBug;
  /** Rules that must find the bug. Other rules may find it too. */
  readonly foundBy: readonly string[];
  readonly faults: readonly Planned<WorkerFault>[];
  readonly ackWaitMs?: number;
  /** Share of the effects that outlast their lease. */
  readonly long?: number;
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
    faults: repeated(3, 1_500, (worker) => ({ kind: "pause a worker", worker, forMs: 7_000 })),
  },
  {
    bug: {
      name: "acknowledges pending deliveries",
      patches: [
        {
          file: "machines/delivery.ts",
          find: '{ target: "nakked", actions: nak("pending") },',
          replace: '{ target: "acknowledged", actions: "acknowledgeDuplicate" },',
        },
      ],
    },
    foundBy: ["lost"],
    // The other worker lives on, and receives the messages of the killed one while its reservations last: they
    // come back within 1 s, and a reservation outlives its holder by 1.8 s or more.
    faults: repeated(6, 3_000, () => ({ kind: "kill a worker", worker: 0, downMs: 0 })),
    ackWaitMs: 1_000,
    long: 0.8,
  },
  {
    bug: {
      name: "fires the signal long after the lease ended",
      patches: [
        {
          file: "src/engine/lease.ts",
          find: "return (this.#fromMs ?? this.#nowMs) + this.#context.how.leaseMs;",
          replace: "return (this.#fromMs ?? this.#nowMs) + 5 * this.#context.how.leaseMs;",
        },
      ],
    },
    foundBy: ["G6"],
    faults: repeated(3, 1_500, (worker) => ({ kind: "disconnect a worker", worker, how: "swallow", forMs: 7_000 })),
  },
];

const effects: Omit<EffectMix, "long"> = { slow: 0.2, failing: 0, ignoringSignal: 0.8, leases: 5 };

/** These bugs need no server fault, so one server is enough. */
const small: Omit<CampaignOptions, "folder" | "seed"> = {
  forMs: 24_000,
  servers: 1,
  workers: 2,
  eventsPerSecond: 8,
  serverFaults: [],
};

describe("the chaos harness", () => {
  it.concurrent.each(cases)(
    "finds the bug of a package that $bug.name",
    async ({ bug, foundBy, faults, ackWaitMs = 3_000, long = 0.3 }) => {
      const campaign = await checkedCampaign("planted", {
        ...small,
        effects: { ...effects, long },
        seed: 1,
        root: copyWithBug(bug),
        workerFaults: faults,
        operatorFaults: [],
        ackWaitMs,
      });
      const times = new Map<string, number>();
      for (const { rule } of campaign.violations) times.set(rule, (times.get(rule) ?? 0) + 1);
      console.log(`${bug.name}: found by ${[...times].map(([rule, count]) => `${rule} (${count} times)`).join(", ")}`);
      expect([...times.keys()]).toEqual(expect.arrayContaining([...foundBy]));
      deleteLogs(campaign);
    },
  );
});
