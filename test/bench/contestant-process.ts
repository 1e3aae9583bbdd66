import type { Contestant, Guarantees, Latency } from "./contestant.ts";
import type { Rate } from "./measure.ts";
import { answerRequests, type Round, startWorker, type Worker } from "./worker-channel.ts";

/** What the process of a contestant knows about it. */
export interface Described {
  readonly name: string;
  readonly guarantees: Guarantees;
  /** Number of events in a round. */
  readonly events: number;
}

/** A contestant in a process of its own: a service does not share one with the objects of other contestants. */
export type OwnProcess = Required<Contestant> & AsyncDisposable;

/** Describes a contestant whose process runs `worker`. Its first round starts it, so contestants that are not measured cost nothing. */
export function inOwnProcess(worker: URL, setup: Described): OwnProcess {
  const { name, guarantees, events } = setup;
  let started: Worker<Round, Rate | Latency> | undefined;
  const ask = (measure: "rate" | "latency", round: string) => {
    started ??= startWorker(worker, setup);
    return started.ask({ measure, round, events });
  };
  return {
    name,
    guarantees,
    async rate(round) {
      const rate = await ask("rate", round);
      if ("perSecond" in rate) return rate;
      throw new TypeError("Expected the worker to answer with a rate");
    },
    async latency(round) {
      const latency = await ask("latency", round);
      if ("p50Us" in latency) return latency;
      throw new TypeError("Expected the worker to answer with a latency");
    },
    async [Symbol.asyncDispose]() {
      await started?.[Symbol.asyncDispose]();
    },
  };
}

/** Returns a contestant whose latency is not measured. */
export function withoutLatency({ name, guarantees, rate }: Contestant): Contestant {
  return { name, guarantees, rate };
}

/** Runs the rounds of this process's contestant. */
export function serveContestant(contestant: Contestant): void {
  answerRequests(({ measure = "rate", round }) => contestant[measure]?.(round));
}
