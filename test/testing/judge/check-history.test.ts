import { describe, expect, it } from "vitest";
import type { History, HistoryLine, Operation, Seen } from "../../../src/history/history.ts";
import type { DedupRecord } from "../../../src/model/record.ts";
import { checkHistory } from "../../../src/testing/judge/check-history.ts";
import type { Guarantee } from "../../../src/testing/judge/violation.ts";

/** Builds the lines of one recorder. Tests move its time by hand. */
class Recording {
  readonly lines: HistoryLine[];
  atMs = 0;
  #operations = 0;

  constructor(clock = "machine") {
    this.lines = [{ type: "history", version: 1, clock }];
  }

  at(atMs: number): this {
    this.atMs = atMs;
    return this;
  }

  see(process: string, ...seen: readonly Seen[]): this {
    for (const one of seen) this.lines.push({ ...one, process, atMs: this.atMs });
    return this;
  }

  deliver(process: string, delivery = 1): this {
    return this.see(process, { type: "delivered", event: "E1", delivery });
  }

  /** Adds an operation. It is acknowledged at once if a revision is given. */
  write(process: string, operation: Operation, details: Partial<Wrote>, revision?: number): this {
    const op = ++this.#operations;
    const { token = `of ${process}`, fence = 0, expected = 0, leaseMs = 1_000, ttlMs = 86_400_000 } = details;
    const { key = "k", event = "E1" } = details;
    this.see(process, { type: "invoke", op, operation, key, event, token, fence, expected, leaseMs, ttlMs });
    return revision === undefined
      ? this.see(process, { type: "unknown", op, because: "no answer" })
      : this.see(process, { type: "ok", op, revision });
  }

  release(process: string, expected: number, operation: "release" | "clear" = "release"): this {
    const op = ++this.#operations;
    return this.see(process, { type: "invoke", op, operation, key: "k", expected }, { type: "ok", op });
  }

  begin(process: string, fence: number, effect = 1, rest: Partial<Begun> = {}): this {
    const { name = "effect", hasSignal = true, turnMs } = rest;
    const turn = turnMs === undefined ? {} : { turnMs };
    return this.see(process, { type: "effect.began", event: "E1", effect, name, fence, hasSignal, ...turn });
  }

  look(process: string, turnMs: number, effect = 1): this {
    return this.see(process, { type: "effect.checked", event: "E1", effect, turnMs });
  }

  read(process: string, shown: { revision: number; token: string; state: DedupRecord["state"] }): this {
    const op = ++this.#operations;
    return this.see(process, { type: "invoke", op, operation: "read", key: "k" }, { type: "ok", op, ...shown });
  }

  tell(process: string, effect = 1): this {
    return this.see(process, { type: "effect.aborted", event: "E1", effect });
  }

  end(process: string, failed = false, effect = 1): this {
    return this.see(process, { type: "effect.ended", event: "E1", effect, failed });
  }

  acknowledge(process: string, commit?: Commit, delivery = 1): this {
    const because = commit === undefined ? "duplicate" : "dispatched";
    const how = commit === undefined ? {} : { commit };
    return this.see(process, { type: "answered", event: "E1", delivery, answer: "acknowledged", because, ...how });
  }

  hold(revision: number, record: Partial<DedupRecord>): this {
    return this.see("store", { type: "store.held", key: "k", revision, record: { ...reserved, ...record } });
  }
}

type Commit = "confirmed" | "adopted" | "superseded" | "unconfirmed";

interface Begun {
  readonly name: string;
  readonly hasSignal: boolean;
  readonly turnMs: number;
}

interface Wrote {
  readonly token: string;
  readonly fence: number;
  readonly expected: number;
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly key: string;
  readonly event: string;
}

const reserved: DedupRecord = {
  v: 1,
  state: "reserved",
  workspaceId: "default",
  subscriptionId: "sub",
  eventId: "E1",
  owner: "R1",
  token: "of R1",
  attempt: 1,
  fence: 0,
  leaseMs: 1_000,
  atMs: 0,
};

const recording = (): Recording => new Recording();

/** A correct dispatch. */
function dispatched(by = "R1", from = 0): Recording {
  return recording()
    .at(from)
    .deliver(by)
    .write(by, "reserve", {}, 1)
    .begin(by, 1)
    .at(from + 100)
    .end(by)
    .write(by, "commit", { fence: 1, expected: 1 }, 2)
    .acknowledge(by, "confirmed");
}

function broken(...recordings: readonly Recording[]): readonly Guarantee[] {
  return checkHistory(historyOf(recordings)).map(({ guarantee }) => guarantee);
}

function historyOf(recordings: readonly Recording[]): History {
  return recordings.flatMap(({ lines }) => lines);
}

describe("checkHistory", () => {
  it("finds nothing in a correct run", () => {
    expect(broken(dispatched().see("broker", { type: "settled" }))).toEqual([]);
  });

  it("finds G1 and G6 when an effect begins while another runs and its signal has not fired", () => {
    const history = recording().begin("R1", 1).begin("R2", 2);
    expect(checkHistory(historyOf([history]))).toEqual([
      {
        guarantee: "G1",
        line: 3,
        why: "R2 began the effect of E1 while the effect of E1 that R1 began in line 2 was still running",
      },
      {
        guarantee: "G6",
        line: 3,
        why: "the effect of E1 that R1 began in line 2 was still running, and its signal had not fired, when R2 began it too",
      },
    ]);
    expect(broken(recording().begin("R1", 1).tell("R1").begin("R2", 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).end("R1").begin("R2", 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).see("R1", { type: "died" }).begin("R2", 2))).toEqual([]);
  });

  it("finds G1 but not G6 when the running effect has no signal", () => {
    expect(broken(recording().begin("R1", 0, 1, { hasSignal: false }).begin("R2", 0))).toEqual(["G1"]);
  });

  it("finds nothing in concurrent effects under one reservation, or with two names", () => {
    expect(broken(recording().begin("R1", 1).begin("R1", 1, 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).begin("R2", 2, 1, { name: "email" }))).toEqual([]);
    expect(broken(recording().begin("R1", 0).begin("R1", 0, 2))).toEqual(["G1", "G6"]);
  });

  it("finds G2 when an event is acknowledged before its effects succeeded", () => {
    expect(broken(recording().deliver("R1").acknowledge("R1"))).toEqual(["G2"]);
    expect(broken(recording().deliver("R1").begin("R1", 1).end("R1", true).acknowledge("R1"))).toEqual(["G2"]);
    expect(broken(recording().begin("R1", 1).see("R1", { type: "died" }).deliver("R2").acknowledge("R2"))).toEqual([
      "G2",
    ]);
    const half = recording().begin("R1", 1).end("R1").begin("R1", 1, 2, { name: "email" }).end("R1", true, 2);
    expect(broken(half.acknowledge("R1"))).toEqual(["G2"]);
  });

  it("finds G3 when an effect begins after the commit, by its fence or by the order of lines", () => {
    const again = dispatched().at(200).write("R2", "reserve", { token: "T2", expected: 0 }, 3).begin("R2", 3);
    expect(checkHistory(historyOf([again]))).toMatchObject([
      {
        guarantee: "G3",
        line: 11,
        why: "R2 wrote revision 3 over revision 2, which commits E1 and whose window had not ended",
      },
      {
        guarantee: "G3",
        line: 12,
        why: "R2 began the effect of E1 after R1 had committed it with revision 2 (line 8)",
      },
    ]);
    expect(broken(dispatched().at(200).begin("R2", 0))).toEqual(["G3"]);
  });

  it("finds nothing in a dispatch after the window, or after an operator's clear", () => {
    const late = 86_400_200;
    expect(broken(dispatched().at(late).write("R2", "reserve", { token: "T2" }, 3).begin("R2", 3))).toEqual([]);
    const cleared = dispatched().at(200).release("operator", 2, "clear");
    expect(broken(cleared.write("R2", "reserve", { token: "T2" }, 4).begin("R2", 4))).toEqual([]);
  });

  it("finds G3 when a commit is removed, or overwritten by its own holder", () => {
    expect(broken(dispatched().release("R1", 2))).toEqual(["G3"]);
    expect(broken(dispatched().see("store", { type: "store.removed", key: "k", revision: 3 }))).toEqual(["G3"]);
    expect(broken(dispatched().write("R1", "renew", { fence: 1, expected: 2 }, 3))).toEqual(["G3"]);
  });

  it("finds G3 when an effect begins after the acknowledgement, without any records", () => {
    const first = recording().deliver("R1").begin("R1", 0).end("R1").acknowledge("R1");
    expect(broken(first.deliver("R2", 2).begin("R2", 0))).toEqual(["G3"]);
  });

  it("finds G4 at the end of a run when an event was never acknowledged", () => {
    expect(broken(recording().deliver("R1"))).toEqual([]);
    expect(broken(recording().deliver("R1").see("broker", { type: "settled" }))).toEqual(["G4"]);
  });

  it("finds G5 when a fence does not rise", () => {
    const first = recording().begin("R1", 5).end("R1");
    expect(broken(first.begin("R2", 5))).toEqual(["G5"]);
    expect(broken(recording().begin("R1", 5).end("R1").begin("R2", 4))).toEqual(["G5"]);
    expect(broken(recording().begin("R1", 5).end("R1").begin("R1", 5, 2))).toEqual([]);
  });

  it("finds G5 when the fence in a record is not the revision of its reservation", () => {
    expect(
      broken(recording().write("R1", "reserve", {}, 7).write("R1", "renew", { fence: 1, expected: 7 }, 8)),
    ).toEqual(["G5"]);
    expect(broken(recording().write("R1", "renew", { fence: 1, expected: 7 }, 8))).toEqual([]);
  });

  it("finds G5 when a reservation is overwritten before its lease has ended", () => {
    const first = (): Recording => recording().write("R1", "reserve", {}, 1);
    expect(broken(first().at(900).write("R2", "reserve", { expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().at(1_000).write("R2", "reserve", { expected: 1 }, 2))).toEqual([]);
    expect(broken(first().at(5_000).write("R2", "commit", { fence: 9, expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().at(5_000).write("R2", "renew", { fence: 9, expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().release("R1", 1).at(10).write("R2", "reserve", {}, 3))).toEqual([]);
    const asked = first().see("R1", { type: "invoke", op: 99, operation: "release", key: "k", expected: 1 });
    expect(broken(asked.at(10).write("R2", "reserve", {}, 3))).toEqual([]);
  });

  it("finds G5 when a reservation is removed by another process, or while its effect runs", () => {
    const first = (): Recording => recording().write("R1", "reserve", {}, 1);
    expect(broken(first().release("R2", 1))).toEqual(["G5"]);
    expect(broken(first().begin("R1", 1).release("R1", 1))).toEqual(["G5"]);
    expect(broken(first().begin("R1", 1).end("R1", true).release("R1", 1))).toEqual([]);
    expect(broken(first().begin("R1", 1).release("operator", 1, "clear").begin("R2", 3))).toEqual([]);
  });

  it("finds G7 when the store's error replaces the effect's error", () => {
    const failed = (code: string): Recording =>
      recording().deliver("R1").begin("R1", 1).end("R1", true).see("R1", {
        type: "answered",
        event: "E1",
        delivery: 1,
        answer: "nak",
        because: "failed",
        afterMs: 1,
        code,
      });
    expect(broken(failed("store-unavailable"))).toEqual(["G7"]);
    expect(broken(failed("permanent"))).toEqual([]);
    // The process tried again, and the store did not answer the second attempt.
    const again = recording().deliver("R1").write("R1", "reserve", {}, 1).begin("R1", 1).end("R1", true);
    const error = { because: "failed", afterMs: 1, code: "store-unavailable" } as const;
    again.release("R1", 1).write("R1", "reserve", { token: "T2" });
    again.see("R1", { type: "answered", event: "E1", delivery: 1, answer: "nak", ...error });
    expect(broken(again)).toEqual([]);
  });

  it("finds G7 when the store's error replaces that of a transaction, unless a later one found its marker", () => {
    const failed = (...ends: readonly boolean[]): Recording => {
      const run = recording().deliver("R1").begin("R1", 1).end("R1");
      for (const end of ends) run.see("R1", { type: "transaction.ended", event: "E1", name: "effect", failed: end });
      const error = { because: "failed", afterMs: 1, code: "store-unavailable" } as const;
      return run.see("R1", { type: "answered", event: "E1", delivery: 1, answer: "nak", ...error });
    };
    expect(broken(failed(true))).toEqual(["G7"]);
    expect(broken(failed(true, false))).toEqual([]);
    expect(broken(failed())).toEqual([]);
  });

  it("finds G8 when no holder superseded a commit, or two dispatches count", () => {
    const alone = recording().write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    expect(broken(alone.acknowledge("R1", "superseded"))).toEqual(["G8"]);
    expect(
      broken(
        dispatched().write("R2", "commit", { token: "T2", fence: 9, expected: 0 }).acknowledge("R2", "adopted", 2),
      ),
    ).toEqual(["G9", "G8"]);
    // Deliveries to one process may share a dispatch, so they report its commit twice.
    expect(broken(dispatched().deliver("R1", 2).acknowledge("R1", "confirmed", 2))).toEqual([]);
    const twice = dispatched().deliver("R1", 2).begin("R1", 3, 2).end("R1", false, 2);
    expect(broken(twice.acknowledge("R1", "adopted", 2))).toContain("G8");
  });

  it("finds G8 when only an earlier holder could have superseded a commit", () => {
    const taken = (): Recording =>
      recording().write("R1", "reserve", {}, 1).at(1_000).write("R2", "reserve", { expected: 1 }, 2).begin("R2", 2);
    expect(broken(taken().end("R2").acknowledge("R2", "superseded"))).toEqual(["G8"]);
    const again = taken().at(3_000).write("R3", "reserve", { expected: 2 }, 3).end("R2");
    expect(broken(again.acknowledge("R2", "superseded"))).toEqual([]);
    // The first dispatch of R1 lost its lease to the second before it began its effect.
    const own = recording().deliver("R1").write("R1", "reserve", { token: "T1" }, 1).at(3_000).deliver("R1", 2);
    own.write("R1", "reserve", { token: "T2", expected: 1 }, 2).begin("R1", 2).end("R1");
    own.write("R1", "commit", { token: "T2", fence: 2, expected: 2 }, 3).acknowledge("R1", "confirmed", 2);
    expect(broken(own.acknowledge("R1", "superseded"))).toEqual([]);
    // No client got the response of that write, but a read shows it.
    const lost = taken().at(3_000).write("R3", "reserve", { expected: 2 }).end("R2");
    lost.read("R2", { revision: 3, token: "of R3", state: "reserved" });
    expect(broken(lost.acknowledge("R2", "superseded"))).toEqual([]);
  });

  it("finds G6 when a checked signal has not fired although another process had the key in an earlier turn", () => {
    const held = (): Recording => recording().write("R1", "reserve", {}, 1).begin("R1", 1, 1, { turnMs: 0 });
    const taken = held().at(2_000).write("R2", "reserve", { expected: 1 }, 2);
    expect(checkHistory(historyOf([taken.at(2_200).look("R1", 2_100).look("R1", 2_150)]))).toEqual([
      {
        guarantee: "G6",
        line: 7,
        why: "the signal of the effect of E1 on R1 had not fired when the effect checked it, after R2 had taken the key with revision 2 (line 6)",
      },
    ]);
    // A renewal of its own is no takeover, and a check in a turn before the takeover proves nothing.
    const own = held().at(300).write("R1", "renew", { fence: 1, expected: 1 }, 2).look("R1", 400);
    expect(broken(own.at(2_000).write("R2", "reserve", { expected: 2 }, 3).at(2_100).look("R1", 1_999))).toEqual([]);
    expect(broken(own.tell("R1").look("R1", 2_100))).toEqual([]);
  });

  it("finds nothing in an effect that has not checked its signal since another one began", () => {
    const asleep = recording().at(0).begin("R1", 1, 1, { turnMs: 0 }).at(2_000).begin("R2", 2, 1, { turnMs: 1_999 });
    expect(broken(asleep.at(5_000).tell("R1").end("R1"))).toEqual([]);
    const slow = recording().at(2_000).begin("R2", 2, 1, { turnMs: 1_999 });
    expect(broken(slow.at(2_001).begin("R1", 1, 1, { turnMs: 1_998 }))).toEqual([]);
    expect(broken(slow.at(2_003).begin("R1", 1, 1, { turnMs: 2_002 }))).toEqual(["G5"]);
    const begun = (turnMs: number): Recording => dispatched().at(110).begin("R1", 1, 2, { turnMs });
    expect(broken(begun(99))).toEqual([]);
    expect(broken(begun(101))).toEqual(["G3"]);
  });

  it("finds G9 when the store never held a reported commit", () => {
    const told = recording().write("R1", "reserve", {}, 1).begin("R1", 1).end("R1").acknowledge("R1", "confirmed");
    expect(broken(told)).toEqual(["G9"]);
    const seenLater = recording().at(9).hold(2, { state: "committed", fence: 1 });
    expect(broken(told, seenLater)).toEqual(["G9"]);
    const found = recording().write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    found.write("R1", "commit", { fence: 1, expected: 1 });
    found.see("R1", { type: "invoke", op: 9, operation: "read", key: "k" }, { type: "ok", op: 9, revision: 2 });
    expect(broken(found.acknowledge("R1", "confirmed"), seenLater)).toEqual([]);
    const recognised = recording().write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    recognised.write("R1", "commit", { fence: 1, expected: 1 });
    recognised.read("R1", { revision: 2, token: "of R1", state: "committed" });
    expect(broken(recognised.acknowledge("R1", "confirmed"))).toEqual([]);
  });
});

describe("checkHistory, for keys that are named unlike their events,", () => {
  const named = { event: "evt-E1" };

  it("finds nothing in a correct run", () => {
    const run = recording().deliver("R1").write("R1", "reserve", named, 1).begin("R1", 1).end("R1");
    run.write("R1", "commit", { ...named, fence: 1, expected: 1 }, 2).acknowledge("R1", "confirmed");
    expect(broken(run)).toEqual([]);
  });

  it("finds a second dispatch after the commit", () => {
    const run = recording().deliver("R1").write("R1", "reserve", named, 1).begin("R1", 1).end("R1");
    run.write("R1", "commit", { ...named, fence: 1, expected: 1 }, 2).acknowledge("R1", "confirmed");
    expect(broken(run.deliver("R2", 2).begin("R2", 0))).toEqual(["G3"]);
  });

  it("does not guess the event of a key that was only reserved while two events were handled", () => {
    const run = recording().deliver("R1").see("R1", { type: "delivered", event: "E2", delivery: 1 });
    run.write("R1", "reserve", named, 1).begin("R1", 0).end("R1").acknowledge("R1");
    expect(broken(run)).toEqual([]);
  });

  it("accepts concurrent effects of two subscriptions, and finds those of one", () => {
    const [billing, shipping] = [
      { key: "k1", event: "E1" },
      { key: "k2", event: "E1" },
    ];
    const held = (key: string, revision: number, owner: string, subscriptionId: string): Seen => ({
      type: "store.held",
      key,
      revision,
      record: { ...reserved, owner, token: `of ${owner}`, subscriptionId },
    });
    const run = (other: string): Recording =>
      recording()
        .deliver("R1")
        .write("R1", "reserve", billing, 1)
        .see("store", held("k1", 1, "R1", "billing"))
        .deliver("R2", 2)
        .write("R2", "reserve", shipping, 2)
        .see("store", held("k2", 2, "R2", other))
        .begin("R1", 1)
        .begin("R2", 2);
    expect(broken(run("shipping"))).toEqual([]);
    expect(broken(run("billing"))).toEqual(["G1", "G6"]);
  });
});

describe("checkHistory, for an acknowledgement without a commit,", () => {
  const done = (): Recording => recording().deliver("R1").write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");

  it("finds G3 when the reservation was kept or released, or its commit has no response", () => {
    expect(broken(done().acknowledge("R1"))).toEqual(["G3"]);
    expect(broken(done().release("R1", 1).acknowledge("R1"))).toEqual(["G3"]);
    const commit = {
      op: 9,
      operation: "commit",
      key: "k",
      event: "E1",
      token: "of R1",
      fence: 1,
      expected: 1,
    } as const;
    expect(
      broken(
        done()
          .see("R1", { type: "invoke", ...commit })
          .acknowledge("R1"),
      ),
    ).toEqual(["G3"]);
    expect(
      broken(
        done()
          .see("R1", { type: "invoke", ...commit })
          .at(1_000)
          .acknowledge("R1"),
      ),
    ).toEqual([]);
  });

  it("finds G2 when another process holds the key", () => {
    const other = done().deliver("R2", 2).see("R2", { type: "invoke", op: 9, operation: "read", key: "k" });
    other.see("R2", { type: "ok", op: 9, revision: 1, token: "of R1", state: "reserved" });
    expect(broken(other.acknowledge("R2", undefined, 2))).toEqual(["G2"]);
  });

  it("excuses commits that were reported as superseded or unconfirmed, and a store that did not answer", () => {
    const unanswered = (): Recording => done().write("R1", "commit", { fence: 1, expected: 1 });
    expect(broken(unanswered().acknowledge("R1", "unconfirmed"))).toEqual([]);
    expect(broken(unanswered().acknowledge("R1"))).toEqual([]);
    expect(broken(done().acknowledge("R1", "unconfirmed"))).toEqual([]);
    const taken = done().at(1_000).write("R2", "reserve", { expected: 1 }, 2);
    expect(broken(taken.acknowledge("R1", "superseded").begin("R2", 2))).toEqual([]);
  });

  it("excuses a commit that got no answer for as long as a lease", () => {
    const conflicted = (ackMs: number): Recording =>
      done()
        .at(5_000)
        .see("R1", {
          type: "invoke",
          op: 8,
          operation: "commit",
          key: "k",
          event: "E1",
          token: "of R1",
          fence: 1,
          expected: 1,
        })
        .see("R1", { type: "fail", op: 8, because: "conflict" })
        .see("R1", { type: "invoke", op: 9, operation: "read", key: "k" })
        .at(ackMs)
        .acknowledge("R1");
    expect(broken(conflicted(5_500))).toEqual(["G3"]);
    expect(broken(conflicted(6_000))).toEqual([]);
  });

  it("excuses a reservation that arrives late, after the process has read the commit whose window ends", () => {
    const windowMs = 1_000;
    const expired = new Recording()
      .deliver("R1")
      .write("R1", "reserve", {}, 1)
      .begin("R1", 1)
      .end("R1")
      .write("R1", "commit", { fence: 1, expected: 1, ttlMs: windowMs }, 2)
      .acknowledge("R1", "confirmed")
      .at(windowMs)
      .deliver("R2")
      .write("R2", "reserve", { token: "late" })
      .hold(3, { token: "late", owner: "R2" });
    const stale = { revision: 2, token: "of R1", state: "committed" } as const;
    const read = new Recording();
    read.lines.push(...expired.lines.slice(1));
    expect(broken(read.at(windowMs).read("R2", stale).acknowledge("R2"))).toEqual([]);
    expect(broken(expired.read("R2", { revision: 3, token: "late", state: "reserved" }).acknowledge("R2"))).toEqual([
      "G3",
    ]);
  });

  it("names the commit of an event whose effect failed", () => {
    const failed = new Recording()
      .deliver("R1")
      .write("R1", "reserve", {}, 1)
      .begin("R1", 1)
      .end("R1", true)
      .write("R1", "commit", { fence: 1, expected: 1 }, 2)
      .acknowledge("R1", "confirmed");
    expect(checkHistory(failed.lines)[0]?.why).toBe(
      "R1 acknowledged E1, and its effect had not succeeded: R1 committed it in line 8 after the effect had failed in line 6",
    );
  });

  it("lists the ids of an event that was guarded under several", () => {
    const guarded = new Recording()
      .deliver("R1")
      .write("R1", "reserve", { key: "k1", event: "E1/1" }, 1)
      .begin("R1", 1)
      .deliver("R2", 2)
      .write("R2", "reserve", { key: "k2", event: "E1/2" }, 2)
      .begin("R2", 2);
    expect(checkHistory(guarded.lines)[0]?.why).toMatch(/\. E1 was reserved under several event ids: E1\/1, E1\/2$/);
  });

  it("says that no key was reserved for an event whose id another event has", () => {
    const shared = new Recording()
      .deliver("R1")
      .write("R1", "reserve", {}, 1)
      .begin("R1", 1)
      .end("R1")
      .write("R1", "commit", { fence: 1, expected: 1 }, 2)
      .acknowledge("R1", "confirmed")
      .see("R1", { type: "delivered", event: "E2", delivery: 1 })
      .see("R1", { type: "answered", event: "E2", delivery: 1, answer: "acknowledged", because: "duplicate" });
    expect(checkHistory(shared.lines)[0]?.why).toBe(
      "R1 acknowledged E2, and no effect had begun for it. No replica had reserved a key for it: another event may have the same id",
    );
  });

  it("says that an effect goes on after the answer to its delivery", () => {
    const leftover = new Recording().deliver("R1").begin("R1", 0).end("R1").acknowledge("R1").begin("R1", 0, 2);
    expect(checkHistory(leftover.lines)[0]?.why).toMatch(
      /^R1 began the effect of E1 after .*\. R1 had answered its last delivery in line 5: the effect continued without one$/,
    );
  });

  it("finds G3 when another effect begins after an acknowledgement that nothing excuses", () => {
    const again = (commit: Commit | undefined): readonly Guarantee[] =>
      broken(done().acknowledge("R1", commit).at(2_000).deliver("R2", 2).write("R2", "reserve", {}, 2).begin("R2", 2));
    expect(again(undefined)).toEqual(["G3", "G3"]);
    expect(again("unconfirmed")).toEqual([]);
  });

  it("finds G4 at the tenth renewal after the answer, but not in a run that came to rest", () => {
    const nak = {
      type: "answered",
      event: "E1",
      delivery: 1,
      answer: "nak",
      because: "pending",
      afterMs: 1,
    } as const;
    const renewing = done().see("R1", nak);
    const renew = (at: number): Recording => renewing.write("R1", "renew", { fence: 1, expected: at }, at + 1);
    for (let at = 1; at < 10; at += 1) expect(broken(renew(at))).toEqual([]);
    expect(broken(renew(10))).toEqual(["G4"]);
    expect(broken(renew(11))).toEqual(["G4"]);
    const rest = { type: "settled", deadLettered: ["E1"] } as const;
    // An effect that waits to begin is no reason to call renewals endless in a run that came to rest.
    expect(broken(renewing.see("broker", rest))).toEqual([]);
  });
});

describe("checkHistory, after a fault,", () => {
  it("excuses a process that froze, until its next delivery", () => {
    const frozen = recording().deliver("R1").begin("R1", 1).see("R1", { type: "frozen" });
    expect(broken(frozen.begin("R2", 2))).toEqual([]);
    const again = recording().see("R1", { type: "frozen" }).deliver("R1").begin("R1", 1).begin("R2", 2);
    expect(broken(again)).toEqual(["G1", "G6"]);
  });

  it("excuses a process that froze after a delivery that it still handles, although it gets the event again", () => {
    const frozen = () => recording().deliver("R1").see("R1", { type: "frozen" }).begin("R2", 2).end("R2");
    expect(broken(frozen().deliver("R1", 2).begin("R1", 1))).toEqual([]);
    const nak = { type: "answered", event: "E1", delivery: 1, answer: "nak", because: "pending", afterMs: 0 } as const;
    expect(broken(frozen().see("R1", nak).deliver("R1", 2).begin("R1", 1))).toEqual(["G5"]);
  });

  it("excuses everything after the store lost an acknowledged write", () => {
    const forgot = dispatched().see("store", { type: "fault", fault: "amnesia" });
    forgot.see("store", { type: "store.removed", key: "k", revision: 3 });
    expect(broken(forgot.write("R2", "reserve", { token: "T2" }, 4).begin("R2", 4))).toEqual([]);
  });
});

describe("checkHistory, with several recorders,", () => {
  it("orders their lines by the clock that they share", () => {
    const one = recording().at(100).begin("R1", 1).at(200).end("R1");
    const other = recording().at(150).begin("R2", 2);
    expect(broken(one, other)).toEqual(["G1", "G6"]);
    expect(broken(other, one)).toEqual(["G1", "G6"]);
    expect(checkHistory(historyOf([one, other]))[0]).toMatchObject({ line: 5, why: /line 2/ });
    expect(broken(one, recording().at(250).begin("R2", 2))).toEqual([]);
  });

  it("refuses lines of different clocks", () => {
    expect(() => broken(recording(), new Recording("another machine"))).toThrow(
      "Expected all recorders to use one clock, got `machine` and `another machine`: their times cannot be compared",
    );
  });

  it("accepts that an observer of the store is late", () => {
    const worker = dispatched();
    const late = recording().at(5_000).hold(1, {}).hold(2, { state: "committed", fence: 1 });
    expect(broken(worker, late)).toEqual([]);
    expect(broken(late, worker)).toEqual([]);
  });

  it("learns from an observer of the store which writes no client saw succeed", () => {
    const worker = recording().deliver("R1").write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    worker.write("R1", "commit", { fence: 1, expected: 1 }).see("R1", { type: "died" });
    const other = recording().at(2_000).write("R2", "reserve", { token: "T2", expected: 0 }, 3).begin("R2", 3);
    const watch = recording().at(3_000).hold(2, { state: "committed", fence: 1 });
    expect(broken(worker, other)).toEqual([]);
    expect(broken(worker, other, watch)).toEqual(["G3", "G3"]);
  });
});
