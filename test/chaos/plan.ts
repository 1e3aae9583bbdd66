import { between, type Chance, shuffled } from "../../src/cli/demo/scenario/random.ts";

/** Everything that has a leader, which can be made to step down. */
export const ledGroups = ["stream", "bucket", "consumer"] as const;

/** A fault of the cluster. The target is the leader of something, or a server's number. */
export type ServerFault =
  | { readonly kind: "kill a leader"; readonly of: "stream" | "bucket"; readonly downMs: number }
  | { readonly kind: "kill a server"; readonly server: number; readonly downMs: number }
  | { readonly kind: "pause a leader"; readonly of: "stream" | "bucket"; readonly forMs: number }
  | {
      readonly kind: "partition a leader";
      readonly of: "stream" | "bucket";
      readonly how: "hold" | "swallow" | "cut";
      readonly forMs: number;
    }
  | { readonly kind: "make a leader step down"; readonly of: (typeof ledGroups)[number] }
  | { readonly kind: "retire a server"; readonly server: number }
  | { readonly kind: "kill all servers"; readonly downMs: number };

/** A fault of the worker with this number. */
export type WorkerFault =
  | { readonly kind: "kill a worker"; readonly worker: number; readonly downMs: number }
  | { readonly kind: "pause a worker"; readonly worker: number; readonly forMs: number }
  | {
      readonly kind: "disconnect a worker";
      readonly worker: number;
      readonly how: "hold" | "swallow" | "cut";
      readonly forMs: number;
    }
  | { readonly kind: "stop a worker"; readonly worker: number };

/** Action of an operator on the bucket or a consumer while everything runs. Each is taken back after `forMs`. */
export type OperatorFault =
  | { readonly kind: "edit the bucket"; readonly setting: (typeof bucketEdits)[number]; readonly forMs: number }
  | { readonly kind: "exhaust the bucket"; readonly forMs: number }
  | { readonly kind: "lower max_msg_size"; readonly forMs: number }
  | { readonly kind: "edit the consumer"; readonly maxAckPending: number; readonly forMs: number }
  | { readonly kind: "restore the bucket from a backup" };

/** Settings that replicas must notice, and that do no harm until then in a bucket without a limit. */
export const bucketEdits = ["discard", "max_msgs", "allow_direct"] as const;

/** A fault and the pause before it. */
export interface Planned<Fault> {
  readonly quietMs: number;
  readonly fault: Fault;
}

const flows = ["hold", "swallow", "cut"] as const;
const either = <const Item>(chance: Chance, items: readonly [Item, ...Item[]]): Item =>
  items[between(chance, 0, items.length - 1)] ?? items[0];

/** Yields faults without end: every kind once in random order, then again. A cluster takes 2 to 9 s to notice a missing server. */
export function* serverFaults(chance: Chance, servers: number): Generator<Planned<ServerFault>, never> {
  for (;;) {
    const of = () => either(chance, ["stream", "bucket"]);
    const server = () => between(chance, 0, servers - 1);
    const deck: readonly ServerFault[] = [
      { kind: "kill a leader", of: of(), downMs: between(chance, 500, 6_000) },
      { kind: "kill a server", server: server(), downMs: between(chance, 0, 3_000) },
      { kind: "pause a leader", of: of(), forMs: between(chance, 2_000, 12_000) },
      {
        kind: "partition a leader",
        of: of(),
        how: either(chance, flows),
        forMs: between(chance, 6_000, 15_000),
      },
      ...ledGroups.map((of) => ({ kind: "make a leader step down", of }) as const),
      { kind: "retire a server", server: server() },
      { kind: "kill all servers", downMs: between(chance, 0, 2_000) },
    ];
    for (const fault of shuffled(chance, deck)) yield { quietMs: between(chance, 1_500, 4_000), fault };
  }
}

/** Like {@link serverFaults}. Replicas notice an edit within 5 s. */
export function* operatorFaults(chance: Chance): Generator<Planned<OperatorFault>, never> {
  for (;;) {
    const forMs = () => between(chance, 3_000, 9_000);
    const deck: readonly OperatorFault[] = [
      { kind: "edit the bucket", setting: either(chance, bucketEdits), forMs: forMs() },
      { kind: "exhaust the bucket", forMs: between(chance, 500, 4_000) },
      { kind: "lower max_msg_size", forMs: between(chance, 500, 4_000) },
      { kind: "edit the consumer", maxAckPending: between(chance, 1, 50), forMs: forMs() },
      { kind: "restore the bucket from a backup" },
    ];
    for (const fault of shuffled(chance, deck)) yield { quietMs: between(chance, 2_000, 5_000), fault };
  }
}

/** Like {@link serverFaults}. Most pauses and disconnections outlast a reservation. */
export function* workerFaults(
  chance: Chance,
  workers: number,
  reservedMs: number,
): Generator<Planned<WorkerFault>, never> {
  for (;;) {
    const worker = () => between(chance, 0, workers - 1);
    const forMs = () => between(chance, Math.round(reservedMs * 0.7), reservedMs * 2);
    const deck: readonly WorkerFault[] = [
      { kind: "kill a worker", worker: worker(), downMs: between(chance, 0, 2_000) },
      { kind: "kill a worker", worker: worker(), downMs: between(chance, 0, 2_000) },
      { kind: "pause a worker", worker: worker(), forMs: forMs() },
      { kind: "pause a worker", worker: worker(), forMs: forMs() },
      { kind: "disconnect a worker", worker: worker(), how: either(chance, flows), forMs: forMs() },
      { kind: "disconnect a worker", worker: worker(), how: either(chance, flows), forMs: forMs() },
      { kind: "stop a worker", worker: worker() },
    ];
    for (const fault of shuffled(chance, deck)) yield { quietMs: between(chance, 500, 4_000), fault };
  }
}
