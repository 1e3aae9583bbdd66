import { join } from "node:path";
import type { ConsumerConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type * as StartUpCheck from "../../../src/nats/consumer/start-up-check.ts";
import { type ConsumerFinding, type ConsumerUse, checkConsumer, type PriorityGroup } from "../../../src/nats/index.ts";
import { copyWithBug, type PlantedBug, removePlantedCopies } from "../../support/planted-bugs.ts";

const CONFIG: ConsumerConfig = {
  durable_name: "worker",
  ack_policy: "explicit",
  deliver_policy: "all",
  replay_policy: "instant",
  ack_wait: nanos(30_000),
  max_deliver: -1,
  max_ack_pending: 1_000,
  metadata: { "_nats.ver": "2.12.6" },
};
const USE: ConsumerUse = {
  leaseMs: 30_000,
  skewMs: 2_000,
  windowMs: 86_400_000,
  concurrency: 10,
  maxDeliver: 10,
  namesSubscription: false,
  deadLetterSubject: "dead.events",
};

interface Change {
  readonly config?: Partial<ConsumerConfig>;
  readonly without?: keyof ConsumerConfig;
  readonly use?: Partial<ConsumerUse>;
}

/** A consumer whose only group is `jobs`, and the group of a replica. */
function grouped(
  policy: NonNullable<ConsumerConfig["priority_policy"]>,
  group?: PriorityGroup,
  config: Partial<ConsumerConfig> = {},
): Change {
  return { config: { ...config, priority_groups: ["jobs"], priority_policy: policy }, use: { group } };
}

function check({ config, without, use }: Change): readonly ConsumerFinding[] {
  const all: ConsumerConfig = { ...CONFIG, ...config };
  if (without !== undefined) Reflect.deleteProperty(all, without);
  return checkConsumer(all, { ...USE, ...use });
}

describe("the start-up check of a consumer", () => {
  it.each<[string, Change]>([
    ["with the defaults of a durable consumer", {}],
    ["with no priority groups", { config: { priority_groups: [] } }],
    ["with a limit for overflow", grouped("overflow", { name: "jobs", minPending: 1 })],
    ["with a priority", grouped("prioritized", { name: "jobs", priority: 9 })],
    ["with a pinned client", grouped("pinned_client", { name: "jobs" })],
    ["if the server omits its defaults", { without: "ack_wait" }],
    ["if max_deliver is missing", { without: "max_deliver" }],
    ["if max_ack_pending is missing", { without: "max_ack_pending" }],
    ["if max_ack_pending has no limit", { config: { max_ack_pending: -1 } }],
    ["if max_ack_pending is ten times the concurrency", { config: { max_ack_pending: 100 } }],
    [
      "if the window equals the longest wait",
      { config: { backoff: [nanos(30_000), nanos(60_000)] }, use: { windowMs: 60_000 } },
    ],
    [
      "with an inactive_threshold of an ephemeral consumer",
      { without: "durable_name", config: { inactive_threshold: nanos(5_000) }, use: { namesSubscription: true } },
    ],
    ["if ack_wait equals the lease", { config: { ack_wait: nanos(1_000) }, use: { leaseMs: 1_000 } }],
    ["if ack_wait is the longest useful value", { config: { ack_wait: nanos(128_000) } }],
    ["with a backoff of at least the lease", { config: { backoff: [nanos(30_000), nanos(60_000)] } }],
    [
      "without a durable name, if the subscription is named",
      { without: "durable_name", use: { namesSubscription: true } },
    ],
    [
      "with filters that dead letters do not match",
      { config: { filter_subjects: ["events.>", "dead", "dead.events.>", "*"] } },
    ],
    ["with a filter of as many tokens that does not match", { config: { filter_subject: "dead.*.x" } }],
  ])("has no findings %s", (_, change) => {
    expect(check(change)).toEqual([]);
  });
});

describe("F17 the start-up check of an unsuitable consumer", () => {
  it.each<[setting: string, severity: ConsumerFinding["severity"], says: RegExp, change: Change]>([
    ["ack_policy", "error", /`none`.*make it `explicit`/, { config: { ack_policy: "none" } }],
    ["ack_policy", "error", /`all`.*make it `explicit`/, { config: { ack_policy: "all" } }],
    ["deliver_subject", "error", /push consumer/, { config: { deliver_subject: "x" } }],
    [
      "priority_groups",
      "error",
      /`jobs`, and the server refuses requests that name none.*`group`/,
      grouped("overflow"),
    ],
    [
      "priority_groups",
      "error",
      /no `priority_groups`, and `group` names `jobs`.*or none/,
      { use: { group: { name: "jobs" } } },
    ],
    ["priority_groups", "error", /`group` names `mail`/, grouped("overflow", { name: "mail" })],
    [
      "priority_groups",
      "error",
      /`prioritized`, which ignores `minPending`/,
      grouped("prioritized", { name: "jobs", minAckPending: 5 }),
    ],
    [
      "priority_groups",
      "error",
      /`overflow`, which ignores `priority`/,
      grouped("overflow", { name: "jobs", priority: 1 }),
    ],
    [
      "max_ack_pending",
      "error",
      /is -1, and a pinned client holds as many/,
      grouped("pinned_client", { name: "jobs" }, { max_ack_pending: -1 }),
    ],
    ["headers_only", "warning", /payload/, { config: { headers_only: true } }],
    ["mem_storage", "warning", /acknowledgements in memory.*dispatched again/, { config: { mem_storage: true } }],
    ["ack_wait", "error", /is 999 ms, too short.*at least 1000/, { config: { ack_wait: nanos(999) } }],
    ["ack_wait", "warning", /is 29999 ms, less than the lease of 30000 ms/, { config: { ack_wait: nanos(29_999) } }],
    [
      "ack_wait",
      "warning",
      /is 128001 ms, while a reservation ends after 32000 ms/,
      { config: { ack_wait: nanos(128_001) } },
    ],
    [
      "backoff[0]",
      "warning",
      /`backoff\[0\]`, which overrides `ack_wait`, is 5000 ms, less than the lease/,
      { config: { backoff: [nanos(5_000), nanos(60_000)] } },
    ],
    ["backoff[1]", "warning", /`backoff\[1\]`/, { config: { backoff: [nanos(60_000), nanos(5_000)] } }],
    ["backoff[0]", "error", /`backoff\[0\]`.*too short/, { config: { backoff: [nanos(100)] } }],
    ["backoff[0]", "warning", /`backoff\[0\]`.*wait too long/, { config: { backoff: [nanos(600_000)] } }],
    ["max_deliver", "warning", /`max_deliver` is 20: the server drops.*make it -1/, { config: { max_deliver: 20 } }],
    ["max_deliver", "warning", /after 5 deliveries, not 10/, { config: { max_deliver: 5 } }],
    [
      "max_ack_pending",
      "warning",
      /is 9 for all replicas together, less than the concurrency of 10/,
      { config: { max_ack_pending: 9 } },
    ],
    [
      "max_ack_pending",
      "warning",
      /is 99: as many failing messages.*make it at least 100/,
      { config: { max_ack_pending: 99 } },
    ],
    [
      "ack_wait",
      "warning",
      /the window of 29999 ms is shorter than the server's wait of 30000 ms.*one lost acknowledgement/,
      { use: { windowMs: 29_999 } },
    ],
    [
      "ack_wait",
      "warning",
      /wait of 60000 ms/,
      { config: { backoff: [nanos(30_000), nanos(60_000)] }, use: { windowMs: 59_999 } },
    ],
    [
      "inactive_threshold",
      "warning",
      /is 60000 ms: the server deletes the consumer.*remove it/,
      { config: { inactive_threshold: nanos(60_000) } },
    ],
    ["server", "error", /is too old: it does not report its version.*2\.11\.10/, { without: "metadata" }],
    [
      "server",
      "error",
      /is 2\.11\.9: this version can miss.*2\.11\.10/,
      { config: { metadata: { "_nats.ver": "2.11.9" } } },
    ],
    [
      "server",
      "error",
      /is 2\.12\.0: this version can miss.*not 2\.12\.0/,
      { config: { metadata: { "_nats.ver": "2.12.0" } } },
    ],
    ["durable_name", "warning", /not durable/, { without: "durable_name" }],
    ["deadLetter", "warning", /no `deadLetter`.*no copy/, { use: { deadLetterSubject: undefined } }],
    ["deadLetter", "error", /`dead.events` come back.*filter `dead.\*`/, { config: { filter_subject: "dead.*" } }],
    ["deadLetter", "error", /filter `>`/, { config: { filter_subjects: ["events.>", ">"] } }],
    ["deadLetter", "error", /filter `dead.events`/, { config: { filter_subject: "dead.events" } }],
    ["deadLetter", "error", /filter `\*.>`/, { config: { filter_subject: "*.>" } }],
  ])("judges %s as %s: %s", (setting, severity, says, change) => {
    const findings = check(change);
    expect(findings).toMatchObject([{ setting, severity, sentence: expect.stringMatching(says) }]);
    for (const { problem, remedy, sentence } of findings) expect(sentence).toBe(`${problem}; ${remedy}`);
  });

  it("has one finding for each setting", () => {
    const findings = check({
      config: { ack_policy: "none", ack_wait: nanos(1_000), max_deliver: 2, max_ack_pending: 1 },
    });
    expect(findings.map(({ setting }) => setting)).toEqual([
      "ack_policy",
      "ack_wait",
      "max_deliver",
      "max_ack_pending",
    ]);
  });
});

describe("a window that ends before a message comes back", () => {
  const file = "src/nats/consumer/start-up-check.ts";
  const bugs: readonly PlantedBug[] = [
    {
      name: "only the shortest wait is compared with the window",
      patches: [
        {
          file,
          find: "Math.max(ackWaitOf(config).waitMs, ...(config.backoff ?? []).map((nanos) => millis(nanos)))",
          replace: "ackWaitOf(config).waitMs",
        },
      ],
    },
    {
      name: "the window is not compared with the wait",
      patches: [{ file, find: "if (windowMs >= longestMs) return [];", replace: "if (windowMs >= 0) return [];" }],
    },
  ];
  afterAll(removePlantedCopies);

  /** A wait that is longer than the window dispatches an event again after one lost acknowledgement. */
  const isReported = ({ checkConsumer: checked }: Pick<typeof StartUpCheck, "checkConsumer">) =>
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      (waits, window) => {
        const config = { ...CONFIG, backoff: waits.map((seconds) => nanos(seconds * 1_000)) };
        const findings = checked(config, { ...USE, leaseMs: 1_000, windowMs: window * 1_000 });
        expect(findings.some(({ problem }) => problem.includes("window"))).toBe(window < Math.max(...waits));
      },
    );

  it("is reported", () => {
    fc.assert(isReported({ checkConsumer }));
  });

  it.each(bugs)("is not reported if $name", async (bug) => {
    const planted: typeof StartUpCheck = await import(/* @vite-ignore */ join(copyWithBug(bug), file));
    expect(fc.check(isReported(planted), { seed: 1 }).failed).toBe(true);
  });
});
