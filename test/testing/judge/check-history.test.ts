import { describe, expect, it } from "vitest";
import type { History, HistoryLine, Operation, Seen } from "../../../src/history/history.ts";
import type { DedupRecord } from "../../../src/model/record.ts";
import { checkHistory, type Guarantee } from "../../../src/testing/judge/check-history.ts";

/** Writes down what one recorder saw; the time is moved on by hand. */
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

  /** An operation that is acknowledged at once, if a revision is given. */
  write(process: string, operation: Operation, details: Partial<Wrote>, revision?: number): this {
    const op = ++this.#operations;
    const { token = `of ${process}`, fence = 0, expected = 0, leaseMs = 1_000, ttlMs = 86_400_000 } = details;
    this.see(process, { type: "invoke", op, operation, key: "k", event: "E1", token, fence, expected, leaseMs, ttlMs });
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
    return this.see(process, { type: "effect.looked", event: "E1", effect, turnMs });
  }

  read(process: string, shown: { revision: number; token: string; state: DedupRecord["state"] }): this {
    const op = ++this.#operations;
    return this.see(process, { type: "invoke", op, operation: "read", key: "k" }, { type: "ok", op, ...shown });
  }

  tell(process: string, effect = 1): this {
    return this.see(process, { type: "effect.told", event: "E1", effect });
  }

  end(process: string, failed = false, effect = 1): this {
    return this.see(process, { type: "effect.ended", event: "E1", effect, failed });
  }

  acknowledge(process: string, commit?: "confirmed" | "adopted" | "superseded", delivery = 1): this {
    const because = commit === undefined ? "duplicate" : "dispatched";
    const how = commit === undefined ? {} : { commit };
    return this.see(process, { type: "answered", event: "E1", delivery, answer: "acknowledged", because, ...how });
  }

  hold(revision: number, record: Partial<DedupRecord>): this {
    return this.see("store", { type: "store.held", key: "k", revision, record: { ...reserved, ...record } });
  }
}

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

/** One dispatch as it should be. */
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

describe("the judge of a history finds", () => {
  it("nothing where everything went well", () => {
    expect(broken(dispatched().see("broker", { type: "settled" }))).toEqual([]);
  });

  it("G1 and G6 an effect that begins while another runs untold", () => {
    const history = recording().begin("R1", 1).begin("R2", 2);
    expect(checkHistory(historyOf([history]))).toEqual([
      {
        guarantee: "G1",
        line: 3,
        why: "R2 began the effect of E1 while the effect of E1 that R1 began in line 2 still ran",
      },
      {
        guarantee: "G6",
        line: 3,
        why: "the effect of E1 that R1 began in line 2 still ran, and had not been told to stop, when R2 began it too",
      },
    ]);
    expect(broken(recording().begin("R1", 1).tell("R1").begin("R2", 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).end("R1").begin("R2", 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).see("R1", { type: "died" }).begin("R2", 2))).toEqual([]);
  });

  it("G1 but not G6 where nobody could have told it", () => {
    expect(broken(recording().begin("R1", 0, 1, { hasSignal: false }).begin("R2", 0))).toEqual(["G1"]);
  });

  it("nothing in two effects under one reservation, or of two names", () => {
    expect(broken(recording().begin("R1", 1).begin("R1", 1, 2))).toEqual([]);
    expect(broken(recording().begin("R1", 1).begin("R2", 2, 1, { name: "email" }))).toEqual([]);
    expect(broken(recording().begin("R1", 0).begin("R1", 0, 2))).toEqual(["G1", "G6"]);
  });

  it("G2 an acknowledgement of what did not succeed", () => {
    expect(broken(recording().deliver("R1").acknowledge("R1"))).toEqual(["G2"]);
    expect(broken(recording().deliver("R1").begin("R1", 1).end("R1", true).acknowledge("R1"))).toEqual(["G2"]);
    expect(broken(recording().begin("R1", 1).see("R1", { type: "died" }).deliver("R2").acknowledge("R2"))).toEqual([
      "G2",
    ]);
    const half = recording().begin("R1", 1).end("R1").begin("R1", 1, 2, { name: "email" }).end("R1", true, 2);
    expect(broken(half.acknowledge("R1"))).toEqual(["G2"]);
  });

  it("G3 a dispatch after the commit, by the fence or by the order", () => {
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

  it("nothing in a dispatch after the window, or after an operator's clear", () => {
    const late = 86_400_200;
    expect(broken(dispatched().at(late).write("R2", "reserve", { token: "T2" }, 3).begin("R2", 3))).toEqual([]);
    const cleared = dispatched().at(200).release("operator", 2, "clear");
    expect(broken(cleared.write("R2", "reserve", { token: "T2" }, 4).begin("R2", 4))).toEqual([]);
  });

  it("G3 a commit that is removed, or undone by its own holder", () => {
    expect(broken(dispatched().release("R1", 2))).toEqual(["G3"]);
    expect(broken(dispatched().see("store", { type: "store.removed", key: "k", revision: 3 }))).toEqual(["G3"]);
    expect(broken(dispatched().write("R1", "renew", { fence: 1, expected: 2 }, 3))).toEqual(["G3"]);
  });

  it("G3 without records: a dispatch after the acknowledgement", () => {
    const first = recording().deliver("R1").begin("R1", 0).end("R1").acknowledge("R1");
    expect(broken(first.deliver("R2", 2).begin("R2", 0))).toEqual(["G3"]);
  });

  it("G4 what was never acknowledged, once the run is over", () => {
    expect(broken(recording().deliver("R1"))).toEqual([]);
    expect(broken(recording().deliver("R1").see("broker", { type: "settled" }))).toEqual(["G4"]);
  });

  it("G5 a fence that does not rise", () => {
    const first = recording().begin("R1", 5).end("R1");
    expect(broken(first.begin("R2", 5))).toEqual(["G5"]);
    expect(broken(recording().begin("R1", 5).end("R1").begin("R2", 4))).toEqual(["G5"]);
    expect(broken(recording().begin("R1", 5).end("R1").begin("R1", 5, 2))).toEqual([]);
  });

  it("G5 a fence in a record that is not its reservation's revision", () => {
    expect(
      broken(recording().write("R1", "reserve", {}, 7).write("R1", "renew", { fence: 1, expected: 7 }, 8)),
    ).toEqual(["G5"]);
    expect(broken(recording().write("R1", "renew", { fence: 1, expected: 7 }, 8))).toEqual([]);
  });

  it("G5 a reservation that is written over before its lease has ended", () => {
    const first = (): Recording => recording().write("R1", "reserve", {}, 1);
    expect(broken(first().at(900).write("R2", "reserve", { expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().at(1_000).write("R2", "reserve", { expected: 1 }, 2))).toEqual([]);
    expect(broken(first().at(5_000).write("R2", "commit", { fence: 9, expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().at(5_000).write("R2", "renew", { fence: 9, expected: 1 }, 2))).toEqual(["G5"]);
    expect(broken(first().release("R1", 1).at(10).write("R2", "reserve", {}, 3))).toEqual([]);
    const asked = first().see("R1", { type: "invoke", op: 99, operation: "release", key: "k", expected: 1 });
    expect(broken(asked.at(10).write("R2", "reserve", {}, 3))).toEqual([]);
  });

  it("G5 a reservation that is removed by another, or from under an effect", () => {
    const first = (): Recording => recording().write("R1", "reserve", {}, 1);
    expect(broken(first().release("R2", 1))).toEqual(["G5"]);
    expect(broken(first().begin("R1", 1).release("R1", 1))).toEqual(["G5"]);
    expect(broken(first().begin("R1", 1).end("R1", true).release("R1", 1))).toEqual([]);
    expect(broken(first().begin("R1", 1).release("operator", 1, "clear").begin("R2", 3))).toEqual([]);
  });

  it("G7 a store's trouble in place of the effect's error", () => {
    const failed = (code: string): Recording =>
      recording().deliver("R1").begin("R1", 1).end("R1", true).see("R1", {
        type: "answered",
        event: "E1",
        delivery: 1,
        answer: "put back",
        because: "failed",
        afterMs: 1,
        code,
      });
    expect(broken(failed("store-unavailable"))).toEqual(["G7"]);
    expect(broken(failed("permanent"))).toEqual([]);
  });

  it("G8 a superseding that nobody did, and a success that counts twice", () => {
    const alone = recording().write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    expect(broken(alone.acknowledge("R1", "superseded"))).toEqual(["G8"]);
    expect(
      broken(
        dispatched().write("R2", "commit", { token: "T2", fence: 9, expected: 0 }).acknowledge("R2", "adopted", 2),
      ),
    ).toEqual(["G9", "G8"]);
  });

  it("G8 a superseding by who held the key before", () => {
    const taken = (): Recording =>
      recording().write("R1", "reserve", {}, 1).at(1_000).write("R2", "reserve", { expected: 1 }, 2).begin("R2", 2);
    expect(broken(taken().end("R2").acknowledge("R2", "superseded"))).toEqual(["G8"]);
    const again = taken().at(3_000).write("R3", "reserve", { expected: 2 }, 3).end("R2");
    expect(broken(again.acknowledge("R2", "superseded"))).toEqual([]);
    // Nobody was told of that write, but a read shows that it was there.
    const untold = taken().at(3_000).write("R3", "reserve", { expected: 2 }).end("R2");
    untold.read("R2", { revision: 3, token: "of R3", state: "reserved" });
    expect(broken(untold.acknowledge("R2", "superseded"))).toEqual([]);
  });

  it("G6 a signal that has not fired when it is looked at, though another had the key before that turn", () => {
    const held = (): Recording => recording().write("R1", "reserve", {}, 1).begin("R1", 1, 1, { turnMs: 0 });
    const taken = held().at(2_000).write("R2", "reserve", { expected: 1 }, 2);
    expect(checkHistory(historyOf([taken.at(2_200).look("R1", 2_100).look("R1", 2_150)]))).toEqual([
      {
        guarantee: "G6",
        line: 7,
        why: "the effect of E1 on R1 had not been told to stop when it looked, after R2 had got the key with revision 2 (line 6)",
      },
    ]);
    // Its own renewals are no other's, and a look that began before the takeover proves nothing.
    const own = held().at(300).write("R1", "renew", { fence: 1, expected: 1 }, 2).look("R1", 400);
    expect(broken(own.at(2_000).write("R2", "reserve", { expected: 2 }, 3).at(2_100).look("R1", 1_999))).toEqual([]);
    expect(broken(own.tell("R1").look("R1", 2_100))).toEqual([]);
  });

  it("nothing in an effect that looks, and that has not been awake since another began", () => {
    const asleep = recording().at(0).begin("R1", 1, 1, { turnMs: 0 }).at(2_000).begin("R2", 2, 1, { turnMs: 1_999 });
    expect(broken(asleep.at(5_000).tell("R1").end("R1"))).toEqual([]);
    const slow = recording().at(2_000).begin("R2", 2, 1, { turnMs: 1_999 });
    expect(broken(slow.at(2_001).begin("R1", 1, 1, { turnMs: 1_998 }))).toEqual([]);
    expect(broken(slow.at(2_003).begin("R1", 1, 1, { turnMs: 2_002 }))).toEqual(["G5"]);
    const begun = (turnMs: number): Recording => dispatched().at(110).begin("R1", 1, 2, { turnMs });
    expect(broken(begun(99))).toEqual([]);
    expect(broken(begun(101))).toEqual(["G3"]);
  });

  it("G9 a commit that the store never held", () => {
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

describe("the judge of a history excuses", () => {
  it("a process that stood still, until its next delivery", () => {
    const frozen = recording().deliver("R1").begin("R1", 1).see("R1", { type: "frozen" });
    expect(broken(frozen.begin("R2", 2))).toEqual([]);
    const again = recording().see("R1", { type: "frozen" }).deliver("R1").begin("R1", 1).begin("R2", 2);
    expect(broken(again)).toEqual(["G1", "G6"]);
  });

  it("everything that follows from a store's forgetting", () => {
    const forgot = dispatched().see("store", { type: "fault", fault: "amnesia" });
    forgot.see("store", { type: "store.removed", key: "k", revision: 3 });
    expect(broken(forgot.write("R2", "reserve", { token: "T2" }, 4).begin("R2", 4))).toEqual([]);
  });
});

describe("several recorders", () => {
  it("are put in order by the clock that they share", () => {
    const one = recording().at(100).begin("R1", 1).at(200).end("R1");
    const other = recording().at(150).begin("R2", 2);
    expect(broken(one, other)).toEqual(["G1", "G6"]);
    expect(broken(other, one)).toEqual(["G1", "G6"]);
    expect(checkHistory(historyOf([one, other]))[0]).toMatchObject({ line: 5, why: /line 2/ });
    expect(broken(one, recording().at(250).begin("R2", 2))).toEqual([]);
  });

  it("cannot be judged together when their clocks differ", () => {
    expect(() => broken(recording(), new Recording("another machine"))).toThrow(
      "Expected all recorders to use one clock, got `machine` and `another machine`: their times cannot be compared",
    );
  });

  it("of whom one watches the store may be late, and is believed about revisions alone", () => {
    const worker = dispatched();
    const late = recording().at(5_000).hold(1, {}).hold(2, { state: "committed", fence: 1 });
    expect(broken(worker, late)).toEqual([]);
    expect(broken(late, worker)).toEqual([]);
  });

  it("of whom one watches the store shows what nobody was told", () => {
    const worker = recording().deliver("R1").write("R1", "reserve", {}, 1).begin("R1", 1).end("R1");
    worker.write("R1", "commit", { fence: 1, expected: 1 }).see("R1", { type: "died" });
    const other = recording().at(2_000).write("R2", "reserve", { token: "T2", expected: 0 }, 3).begin("R2", 3);
    const watch = recording().at(3_000).hold(2, { state: "committed", fence: 1 });
    expect(broken(worker, other)).toEqual([]);
    expect(broken(worker, other, watch)).toEqual(["G3", "G3"]);
  });
});
