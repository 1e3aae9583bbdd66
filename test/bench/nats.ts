import type { Contestant, Guarantees } from "./contestant.ts";
import { type Described, inOwnProcess, withoutLatency } from "./contestant-process.ts";

/** Number of pairs in a batch of the bare client. */
export const BARE_BATCH = 256;
const WORKER = new URL("nats-worker.ts", import.meta.url);

export interface Setup {
  readonly name: string;
  readonly storage: string;
  readonly urls: readonly string[];
  readonly replicas: number;
  /** Number of events in a round. */
  readonly events: number;
  /** Number of events in a round of those that send batches, if it differs. */
  readonly batchedEvents?: number;
  /** The faster way to send prepared bytes. */
  readonly fastest: "singly" | "in batches";
}

/** What the process of a contestant runs. */
export interface NatsSetup extends Described, Pick<Setup, "urls" | "replicas" | "fastest"> {
  readonly runs: Exclude<keyof NatsContestants, symbol>;
}

/** Everything that is measured on one server or cluster. */
export interface NatsContestants extends AsyncDisposable {
  readonly bare: Contestant;
  readonly batches: Contestant;
  readonly prepared: Contestant;
  readonly guards: Contestant;
  readonly single: Contestant;
  readonly inspected: Contestant;
  readonly duplicates: Contestant;
}

/** The bare client and guards share a bucket. Guards without batches use one that does not allow batches. */
export function natsContestants({ name, storage, events, batchedEvents = events, ...servers }: Setup): NatsContestants {
  const stack = new AsyncDisposableStack();
  const bareGuarantees: Guarantees = { storage, fence: "no", lease: "fixed" };
  const latchkeyGuarantees: Guarantees = { storage, fence: "yes", lease: "renewed, with a signal" };
  const contestant = (runs: NatsSetup["runs"], what: string, guarantees: Guarantees): Contestant => {
    const isBatched = runs !== "bare" && runs !== "single";
    const setup: NatsSetup = {
      ...servers,
      name: `${what}, ${name}`,
      guarantees,
      events: isBatched ? batchedEvents : events,
      runs,
    };
    return stack.use(inOwnProcess(WORKER, setup));
  };
  return {
    bare: contestant("bare", "bare client", bareGuarantees),
    batches: withoutLatency(contestant("batches", `bare client in batches of ${BARE_BATCH}`, bareGuarantees)),
    prepared: withoutLatency(contestant("prepared", `prepared bytes, ${servers.fastest}`, bareGuarantees)),
    guards: contestant("guards", "Latchkey", latchkeyGuarantees),
    single: contestant("single", "Latchkey without batches", latchkeyGuarantees),
    inspected: contestant("inspected", "Latchkey inspected", latchkeyGuarantees),
    duplicates: contestant("duplicates", "Latchkey, duplicates from the store", latchkeyGuarantees),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
