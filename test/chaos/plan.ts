import { between, type Chance, shuffled } from "../../src/cli/demo/random.ts";

/** What can be led, and whose leader can be asked to step down. */
export const led = ["stream", "bucket", "consumer"] as const;

/** A fault of the cluster. Servers are chosen as the one that leads something, or by number. */
export type ServerFault =
  | { readonly kind: "kill a leader"; readonly of: "stream" | "bucket"; readonly downMs: number }
  | { readonly kind: "kill a server"; readonly server: number; readonly downMs: number }
  | { readonly kind: "stop a leader"; readonly of: "stream" | "bucket"; readonly forMs: number }
  | {
      readonly kind: "part a leader from the others";
      readonly of: "stream" | "bucket";
      readonly how: "hold" | "swallow" | "cut";
      readonly forMs: number;
    }
  | { readonly kind: "ask a leader to step down"; readonly of: (typeof led)[number] }
  | { readonly kind: "let a server retire"; readonly server: number }
  | { readonly kind: "kill all servers at once"; readonly downMs: number };

/** A fault of one worker, chosen by number. */
export type WorkerFault =
  | { readonly kind: "kill a worker"; readonly worker: number; readonly downMs: number }
  | { readonly kind: "stop a worker"; readonly worker: number; readonly forMs: number }
  | {
      readonly kind: "cut a worker off";
      readonly worker: number;
      readonly how: "hold" | "swallow" | "cut";
      readonly forMs: number;
    }
  | { readonly kind: "end a worker"; readonly worker: number };

/** One fault, and how long it is quiet before. */
export interface Planned<Fault> {
  readonly quietMs: number;
  readonly fault: Fault;
}

const flows = ["hold", "swallow", "cut"] as const;
const either = <const Item>(chance: Chance, items: readonly [Item, ...Item[]]): Item =>
  items[between(chance, 0, items.length - 1)] ?? items[0];

/** Without end: every kind once, in an order that chance decides, then again. A server takes 2 to 9 s to be missed. */
export function* serverFaults(chance: Chance, servers: number): Generator<Planned<ServerFault>, never> {
  for (;;) {
    const of = () => either(chance, ["stream", "bucket"]);
    const server = () => between(chance, 0, servers - 1);
    const deck: readonly ServerFault[] = [
      { kind: "kill a leader", of: of(), downMs: between(chance, 500, 6_000) },
      { kind: "kill a server", server: server(), downMs: between(chance, 0, 3_000) },
      { kind: "stop a leader", of: of(), forMs: between(chance, 2_000, 12_000) },
      {
        kind: "part a leader from the others",
        of: of(),
        how: either(chance, flows),
        forMs: between(chance, 6_000, 15_000),
      },
      ...led.map((of) => ({ kind: "ask a leader to step down", of }) as const),
      { kind: "let a server retire", server: server() },
      { kind: "kill all servers at once", downMs: between(chance, 0, 2_000) },
    ];
    for (const fault of shuffled(chance, deck)) yield { quietMs: between(chance, 1_500, 4_000), fault };
  }
}

/** As {@link serverFaults}; what stands still or is cut off does so for longer than a reservation lasts, mostly. */
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
      { kind: "stop a worker", worker: worker(), forMs: forMs() },
      { kind: "stop a worker", worker: worker(), forMs: forMs() },
      { kind: "cut a worker off", worker: worker(), how: either(chance, flows), forMs: forMs() },
      { kind: "cut a worker off", worker: worker(), how: either(chance, flows), forMs: forMs() },
      { kind: "end a worker", worker: worker() },
    ];
    for (const fault of shuffled(chance, deck)) yield { quietMs: between(chance, 500, 4_000), fault };
  }
}
