import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/internal/deferred.ts";
import { watched } from "../support/replicas.ts";
import { runConsumers } from "./run-consumers.ts";

/** A consumer that starts at once and finishes on request, and one whose starts fail on request. */
function consumers() {
  const first = new Deferred<void>();
  const failing = new Deferred<never>();
  const attempts: string[] = [];
  const starts = [
    () => Promise.resolve({ finished: first.promise }),
    () => {
      attempts.push("second");
      return failing.promise;
    },
  ];
  return {
    starts,
    attempts,
    finishFirst: () => first.resolve(),
    failSecond: () => failing.reject(new Error("no leader")),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a worker with two consumers", () => {
  it("finishes the dispatches of its first consumer when it is stopped before the second has started", async () => {
    const { starts, attempts, finishFirst, failSecond } = consumers();
    const stop = new AbortController();
    const failures: unknown[] = [];
    let allStarted = false;
    const run = watched(
      runConsumers(starts, {
        stop: stop.signal,
        onStartFailed: (error) => failures.push(error),
        onAllStarted: () => (allStarted = true),
      }),
    );
    await turn();
    stop.abort();
    failSecond();
    await turn();
    expect({ state: run.state(), failures: failures.length, allStarted }).toEqual({
      state: "waiting",
      failures: 1,
      allStarted: false,
    });
    finishFirst();
    await run.promise;
    expect(attempts).toEqual(["second"]);
  });

  it("starts nothing after it is stopped", async () => {
    const { starts, attempts, finishFirst, failSecond } = consumers();
    const stop = new AbortController();
    failSecond();
    finishFirst();
    await runConsumers(starts, {
      stop: stop.signal,
      onStartFailed: () => setImmediate(() => stop.abort()),
      onAllStarted: () => {},
    });
    expect(attempts).toEqual(["second"]);
  });

  it("announces that all consumers have started, and ends when all have finished", async () => {
    const [first, second] = [new Deferred<void>(), new Deferred<void>()];
    let allStarted = 0;
    const run = watched(
      runConsumers(
        [first, second].map(
          ({ promise }) =>
            () =>
              Promise.resolve({ finished: promise }),
        ),
        {
          stop: new AbortController().signal,
          onStartFailed: () => {},
          onAllStarted: () => (allStarted += 1),
        },
      ),
    );
    await turn();
    first.resolve();
    await turn();
    expect({ state: run.state(), allStarted }).toEqual({ state: "waiting", allStarted: 1 });
    second.resolve();
    await run.promise;
  });
});
