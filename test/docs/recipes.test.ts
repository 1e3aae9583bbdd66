import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FingerprintMismatchError, PermanentError } from "../../src/errors.ts";
import { CallPendingError } from "../../src/idempotent.ts";
import { Deferred } from "../../src/internal/deferred.ts";
import { LEASE_MS, type Replica, watched, world } from "../support/replicas.ts";
import { textOf } from "./documents.ts";
import { filledIn } from "./markdown.ts";
import { startUnlessSucceeded } from "./recipes/allow-duplicate-failed-only.ts";
import { dispatchLatest } from "./recipes/latest-version.ts";
import { startingOnce } from "./recipes/reject-duplicate.ts";
import { answeringOnce } from "./recipes/saved-failures.ts";
import { chargeEndpoint } from "./recipes/saved-responses.ts";
import { runUnlessRunning } from "./recipes/simple-mode.ts";
import { restart } from "./recipes/terminate-existing.ts";
import { addThrottled } from "./recipes/throttle-mode.ts";
import { startOrJoin } from "./recipes/use-existing.ts";
import { shownSource } from "./shown-source.ts";

const PAGE = "docs/recipes.md";
const FOLDER = "test/docs/recipes";
const DAY_MS = 24 * 3_600_000;
const fails = () => Promise.reject(new Error("failed"));
const succeeds = () => Promise.resolve();

/** Two replicas that share a memory store and a simulated clock. */
function service() {
  const { replica, clock, pass } = world();
  return { a: replica("a"), b: replica("b"), clock, pass };
}

/** Returns a task that counts how often it ran. */
function counted(work: () => Promise<void> = succeeds) {
  let runs = 0;
  return {
    runs: () => runs,
    run: () => {
      runs += 1;
      return work();
    },
  };
}

describe("the page of recipes", () => {
  it("shows each recipe that is tested here; if not, run with -u", async () => {
    const shown: string[] = [];
    const filled = await filledIn(textOf(PAGE), async (_, name) => {
      shown.push(name);
      return shownSource(join(FOLDER, name));
    });
    expect(shown.toSorted()).toEqual(readdirSync(FOLDER).toSorted());
    await expect(filled).toMatchFileSnapshot(join("../..", PAGE));
  });
});

describe("BullMQ's simple mode", () => {
  it("ignores a job while one with its id runs on any replica", async () => {
    const { a, b, pass } = service();
    const job = new Deferred<void>();
    const first = runUnlessRunning(a.dedup, "house", () => job.promise);
    await pass(2 * LEASE_MS);
    expect(await runUnlessRunning(b.dedup, "house", succeeds)).toBe("ignored");
    expect(await runUnlessRunning(b.dedup, "garden", succeeds)).toBe("ran");
    job.resolve();
    expect(await first).toBe("ran");
  });

  it("runs the next job after one has completed or failed", async () => {
    const { a, b } = service();
    expect(await runUnlessRunning(a.dedup, "house", succeeds)).toBe("ran");
    await expect(runUnlessRunning(b.dedup, "house", fails)).rejects.toThrow("failed");
    expect(await runUnlessRunning(a.dedup, "house", succeeds)).toBe("ran");
  });
});

describe("BullMQ's throttle mode", () => {
  it("ignores jobs from the first addition until its time is over", async () => {
    const { a, b, pass } = service();
    expect(await addThrottled(a.dedup, "house", 5_000, succeeds)).toBe("added");
    await pass(4_500);
    expect(await addThrottled(b.dedup, "house", 5_000, succeeds)).toBe("ignored");
    await pass(500);
    expect(await addThrottled(b.dedup, "house", 5_000, succeeds)).toBe("added");
  });

  it("does not count a job that could not be added", async () => {
    const { a, b } = service();
    await expect(addThrottled(a.dedup, "house", 5_000, fails)).rejects.toThrow("failed");
    expect(await addThrottled(b.dedup, "house", 5_000, succeeds)).toBe("added");
  });
});

describe("the latest version", () => {
  it("is dispatched once for a burst of changes whose deliveries arrive late and out of order", async () => {
    const { a, b } = service();
    let row = { version: 1, text: "one" };
    const dispatched: string[] = [];
    const deliver = ({ dedup }: Replica) =>
      dispatchLatest(
        dedup,
        "doc-1",
        async () => row,
        async ({ text }) => void dispatched.push(text),
      );
    expect(await deliver(a)).toBe("dispatched");
    row = { version: 2, text: "two" };
    row = { version: 3, text: "three" };
    expect(await deliver(b)).toBe("dispatched");
    expect(await deliver(a)).toBe("duplicate");
    expect(dispatched).toEqual(["one", "three"]);
  });

  it("is dispatched at a later delivery if the dispatch failed", async () => {
    const { a, b } = service();
    const read = async () => ({ version: 1 });
    await expect(dispatchLatest(a.dedup, "doc-1", read, fails)).rejects.toThrow("failed");
    expect(await dispatchLatest(b.dedup, "doc-1", read, succeeds)).toBe("dispatched");
  });
});

describe("Temporal's reuse policy", () => {
  it("`allow duplicate, failed only` runs a workflow again after a failure, and refuses it after a success", async () => {
    const { a, b } = service();
    await expect(startUnlessSucceeded(a.dedup, "order-7", fails)).rejects.toThrow("failed");
    expect(await startUnlessSucceeded(b.dedup, "order-7", () => "paid")).toBe("paid");
    await expect(startUnlessSucceeded(a.dedup, "order-7", () => "again")).rejects.toThrow("has succeeded before");
  });

  it("`reject duplicate` refuses a workflow after a failure too, until the window ends", async () => {
    const { a, b, clock, pass } = service();
    const { run, runs } = counted(fails);
    const startOnA = startingOnce({ store: a.store, clock });
    const startOnB = startingOnce({ store: b.store, clock });
    await expect(startOnA("order-7", run)).rejects.toThrow(PermanentError);
    await expect(startOnB("order-7", run)).rejects.toThrow(PermanentError);
    await pass(7 * DAY_MS - 1);
    await expect(startOnA("order-7", run)).rejects.toThrow(PermanentError);
    expect(runs()).toBe(1);
    await pass(1);
    await expect(startOnB("order-7", run)).rejects.toThrow(PermanentError);
    expect(runs()).toBe(2);
  });
});

describe("Temporal's conflict policy", () => {
  it("`fail` refuses a workflow while one with its id runs, and names its replica", async () => {
    const { a, b } = service();
    const end = new Deferred<void>();
    const first = startUnlessSucceeded(a.dedup, "order-7", () => end.promise);
    await expect(startUnlessSucceeded(b.dedup, "order-7", succeeds)).rejects.toThrow("order-7 is running on a");
    end.resolve();
    await first;
  });

  it("`use existing` waits for the running workflow, and returns its result", async () => {
    const { a, b, pass } = service();
    const end = new Deferred<string>();
    const first = startOrJoin(a.dedup, () => end.promise)("order-7");
    const second = watched(startOrJoin(b.dedup, async () => "second")("order-7"));
    await pass(2 * LEASE_MS);
    expect(second.state()).toBe("waiting");
    end.resolve("first");
    await pass(5_000);
    expect([await first, await second.promise]).toEqual(["first", "first"]);
  });

  it("`use existing` runs the workflow if the one that it waited for fails", async () => {
    const { a, b, pass } = service();
    const end = new Deferred<string>();
    const first = watched(startOrJoin(a.dedup, () => end.promise)("order-7"));
    const second = startOrJoin(b.dedup, async () => "second")("order-7");
    await pass(1_000);
    end.reject(new Error("failed"));
    await expect(first.promise).rejects.toThrow("failed");
    await pass(5_000);
    expect(await second).toBe("second");
  });

  it("`terminate existing` runs the new workflow at once, and aborts the old one at its next renewal", async () => {
    const { a, b, pass } = service();
    const signals: AbortSignal[] = [];
    const untilAborted = (signal: AbortSignal): Promise<void> => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const first = watched(restart(a.dedup, "order-7", untilAborted));
    await pass(1_000);
    const otherTenant = { workspaceId: "acme", subscriptionId: "orders", eventId: "order-7" };
    const other = await b.dedup.reserve(otherTenant);
    expect(await restart(b.dedup, "order-7", succeeds)).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    expect(signals[0]?.aborted).toBe(false);
    await pass(LEASE_MS / 3);
    expect(signals[0]?.aborted).toBe(true);
    await expect(first.promise).rejects.toThrow();
    expect((await b.dedup.peek(otherTenant))?.record.state).toBe("reserved");
    expect(other.decision).toBe("unseen");
  });
});

describe("Stripe's idempotency keys", () => {
  // The receiver warns of unsigned ids, and of the error that a test throws.
  beforeEach(() => void vi.spyOn(process, "emitWarning").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  const request = (body: unknown, headers: Record<string, string> = {}) =>
    new Request("http://localhost/charges", {
      method: "POST",
      headers: {
        "idempotency-key": "key-1",
        authorization: "secret-1",
        "content-type": "application/json",
        ...headers,
      },
      body: JSON.stringify(body),
    });

  function endpoint(create: (charge: number) => Promise<void> = succeeds) {
    const { a, b, pass } = service();
    const keys: string[] = [];
    const accounts = new Map([
      ["secret-1", "acct-1"],
      ["secret-2", "acct-2"],
    ]);
    const createCharge = async (_: unknown, key: string) => {
      keys.push(key);
      const id = `charge-${keys.length}`;
      await create(keys.length);
      return { id };
    };
    const [onA, onB] = [a, b].map(({ dedup }) => chargeEndpoint(dedup, accounts, createCharge));
    if (onA === undefined || onB === undefined) throw new Error("There are two replicas");
    return { onA, onB, keys, pass };
  }

  it("replay the saved status and body on every replica, for 24 hours", async () => {
    const { onA, onB, keys, pass } = endpoint();
    const first = await onA(request({ cents: 100 }));
    expect([first.status, await first.json()]).toEqual([201, { id: "charge-1" }]);
    await pass(DAY_MS - 1_000);
    const again = await onB(request({ cents: 100 }));
    expect([again.status, await again.json()]).toEqual([201, { id: "charge-1" }]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    await pass(1_000);
    expect(await (await onB(request({ cents: 100 }))).json()).toEqual({ id: "charge-2" });
    expect(keys).toHaveLength(2);
  });

  it("belong to an account", async () => {
    const { onA, keys } = endpoint();
    await onA(request({ cents: 100 }));
    const other = await onA(request({ cents: 200 }, { authorization: "secret-2" }));
    expect(await other.json()).toEqual({ id: "charge-2" });
    expect(new Set(keys).size).toBe(2);
    expect((await onA(request({ cents: 100 }, { authorization: "secret-3" }))).status).toBe(401);
  });

  it("refuse other parameters under the same key", async () => {
    const { onA, onB, keys } = endpoint();
    await onA(request({ cents: 100 }));
    expect((await onB(request({ cents: 200 }))).status).toBe(422);
    expect(keys).toHaveLength(1);
  });

  it("refuse a request while one with the same key runs, and say when to repeat it", async () => {
    const charged = new Deferred<void>();
    const { onA, onB } = endpoint(() => charged.promise);
    const first = onA(request({ cents: 100 }));
    await new Promise((resolve) => setImmediate(resolve));
    const second = await onB(request({ cents: 100 }));
    expect([second.status, second.headers.get("retry-after")]).toEqual([409, expect.stringMatching(/^[1-9]\d*$/)]);
    charged.resolve();
    expect((await first).status).toBe(201);
  });

  it("are free after a failure of the endpoint, so that a retry runs", async () => {
    const { onA, onB } = endpoint((charge) => (charge === 1 ? fails() : succeeds()));
    expect((await onA(request({ cents: 100 }))).status).toBe(500);
    expect(await (await onB(request({ cents: 100 }))).json()).toEqual({ id: "charge-2" });
  });

  it("replay a failure too if the failure is a value", async () => {
    const { a, b } = service();
    const { run, runs } = counted(fails);
    const charge = () => run().then(() => "charged");
    const request = { account: "acct-1", key: "key-1", body: "100" };
    const failed = { status: 500, body: "The charge failed" };
    expect(await answeringOnce(a.dedup, charge)(request)).toEqual(failed);
    expect(await answeringOnce(b.dedup, charge)(request)).toEqual(failed);
    expect(runs()).toBe(1);
    await expect(answeringOnce(b.dedup, charge)({ ...request, body: "200" })).rejects.toThrow(FingerprintMismatchError);
    await answeringOnce(b.dedup, charge)({ ...request, account: "acct-2" });
    expect(runs()).toBe(2);
  });

  it("refuse a second request while the failure of the first is not yet known", async () => {
    const { a, b } = service();
    const charged = new Deferred<string>();
    const request = { account: "acct-1", key: "key-1", body: "100" };
    const first = answeringOnce(a.dedup, () => charged.promise)(request);
    await expect(answeringOnce(b.dedup, async () => "charged")(request)).rejects.toThrow(CallPendingError);
    charged.resolve("charged");
    expect(await first).toEqual({ status: 201, body: "charged" });
  });
});
