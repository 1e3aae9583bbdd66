import type { Bug } from "./bug.ts";

const recordWriter = "src/engine/record-writer.ts";
const promises = "src/engine/attempt-promises.ts";
const deduplicator = "src/deduplicator.ts";
const attempt = "src/engine/attempt.ts";
const lease = "src/engine/lease.ts";

/** Bugs in the engine around the machine, and in its results for the caller. */
export const engineBugs: readonly Bug[] = [
  {
    name: "a reserved key is reported as a duplicate",
    breaks: "G2",
    faults: { redelivery: 2 },
    patches: [
      {
        file: "src/engine/engine.ts",
        find: `      : this.#rejections.pendingElsewhere(call, claim.entry);`,
        replace: `      : this.#rejections.duplicate(call, { ...claim.entry, ...claim.entry.record } as never);`,
      },
    ],
  },
  {
    name: "a holder does not recognise its own write after a timeout",
    breaks: "G8",
    faults: { "lost answer": 4 },
    patches: [
      { file: recordWriter, find: `return record.token === this.#token;`, replace: `return record.token === "";` },
    ],
  },
  {
    name: "the signal fires after the end of the lease",
    breaks: "G6",
    faults: { "clock jump": 1 },
    patches: [
      {
        file: lease,
        find: `this.#end = engine.timers.add(this.#endsAtMs,`,
        replace: `this.#end = engine.timers.add(this.#endsAtMs + 500,`,
      },
    ],
  },
  {
    name: "the signal does not fire",
    breaks: "G6",
    faults: { "clock jump": 1 },
    patches: [
      {
        file: promises,
        find: `    this.#abort?.abort(this.#lost);
`,
        replace: ``,
      },
    ],
  },
  {
    name: "another holder's reservation is taken over as soon as it is read",
    breaks: "G5",
    faults: { redelivery: 3 },
    patches: [
      {
        file: "src/engine/observed-leases.ts",
        find: `return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;`,
        replace: `return sinceMs - nowMs;`,
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
        find: `      await (isFinal ? decision.commitFailure(error) : decision.fail(error));`,
        replace: `      await decision.commit();`,
      },
    ],
  },
  {
    name: "all attempts share one token",
    breaks: "G1",
    faults: { redelivery: 3 },
    patches: [
      { file: "src/engine/record-writer.ts", find: `this.#claims === 1 ? this.#id : `, replace: `true ? "one" : ` },
    ],
  },
  {
    name: "a superseded commit is reported as confirmed",
    breaks: "G9",
    faults: { "clock jump": 3, redelivery: 3 },
    patches: [
      {
        file: attempt,
        find: `        this.#context.report({ type: "superseded" }, context);
        this.#resolveCommit(as);`,
        replace: `        this.#context.report({ type: "superseded" }, context);
        this.#resolveCommit("confirmed");`,
      },
    ],
  },
  {
    name: "a failed release hides the error of the dispatch",
    breaks: "G7",
    faults: { "failing effect": 1, refusal: 2 },
    patches: [
      {
        file: deduplicator,
        find: `      await (isFinal ? decision.commitFailure(error) : decision.fail(error));
`,
        replace: `      await (isFinal ? decision.commitFailure(error) : decision.fail(error));
      await this.peek(identity);
`,
      },
    ],
  },
  {
    name: "the key of a failed dispatch is not released",
    breaks: "G4",
    faults: { "failing effect": 1 },
    patches: [
      {
        file: deduplicator,
        find: `      await (isFinal ? decision.commitFailure(error) : decision.fail(error));
`,
        replace: ``,
      },
    ],
  },
];
