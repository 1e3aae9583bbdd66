import type { Contestant, Guarantees } from "./contestant.ts";
import { type Described, inOwnProcess, withoutLatency } from "./contestant-process.ts";

const WORKER = new URL("consumer-worker.ts", import.meta.url);
const STORAGE = "a server; its disk within 2 min";

/** What the process of a contestant runs. */
export interface ConsumerSetup extends Described {
  readonly url: string;
  readonly runs: "plain" | "consume";
}

/** Consumers of a stream, from the first message to the last acknowledgement. */
export interface ConsumerContestants extends AsyncDisposable {
  /** A pull consumer that writes two compare-and-sets for each message and waits until its acknowledgement is confirmed. */
  readonly plain: Contestant;
  readonly consume: Contestant;
}

export function consumerContestants(url: string, events: number): ConsumerContestants {
  const stack = new AsyncDisposableStack();
  const contestant = (runs: ConsumerSetup["runs"], name: string, guarantees: Guarantees): Contestant => {
    const setup: ConsumerSetup = { name, guarantees, events, url, runs };
    return withoutLatency(stack.use(inOwnProcess(WORKER, setup)));
  };
  return {
    plain: contestant("plain", "plain consumer with two compare-and-sets, one replica", {
      storage: STORAGE,
      fence: "no",
      lease: "fixed",
    }),
    consume: contestant("consume", "Latchkey consume, one replica", {
      storage: STORAGE,
      fence: "yes",
      lease: "renewed, with a signal",
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
