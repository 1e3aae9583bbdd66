import { describe, expect, it } from "vitest";
import type { HistoryLine, Seen } from "../../src/history/history.ts";
import type { CommitOutcome } from "../../src/model/decision.ts";
import { type Account, AUDITOR } from "./campaign.ts";
import { deliveryNumber } from "./delivery-number.ts";
import type { Booked } from "./endpoint-books.ts";
import { TOLD_TO_END } from "./fleet.ts";
import { table } from "./report.ts";
import { tallyOf } from "./tally.ts";
import { judge } from "./verdict.ts";

const quiet: Account = {
  published: new Map(),
  repeated: 0,
  faults: new Map(),
  unacknowledged: 0,
  deadLetters: 0,
  processes: 2,
  endedByThemselves: 0,
};

/** What workers, the endpoint and the auditor of a small campaign wrote down. */
class Campaign {
  readonly history: HistoryLine[] = [{ type: "history", version: 1, clock: "machine" }];
  readonly books: Booked[] = [];
  readonly published = new Map<string, number>();
  #op = 0;

  see(atMs: number, process: string, ...seen: readonly Seen[]): this {
    for (const one of seen) this.history.push({ ...one, process, atMs });
    return this;
  }

  publish(event: string): this {
    this.published.set(event, 1);
    return this;
  }

  /** A delivery whose reservation is acknowledged with `fence`, and whose effect begins. */
  begin(atMs: number, process: string, fence: number, how: Partial<How> = {}): this {
    const { event = "once-1", effect = 1, delivery = deliveryNumber(1, 1), attempt = 1, expected = 0 } = how;
    const { turnMs = atMs, isBooked = true } = how;
    const token = `${process}/${effect}`;
    this.publish(event).see(atMs, process, { type: "delivered", event, delivery });
    this.#ask(
      atMs,
      process,
      { operation: "reserve", event, token, fence: 0, leaseMs: 1_000, ttlMs: 1_500, expected },
      fence,
    );
    this.see(atMs, process, { type: "effect.began", event, effect, name: "effect", fence, hasSignal: true, turnMs });
    return isBooked ? this.book(atMs, "begin", { event, process, effect, fence, attempt, delivery }) : this;
  }

  /** The effect ends well, and its commit is acknowledged with the revision, if one is given. */
  end(atMs: number, process: string, fence: number, commit: CommitOutcome | undefined, how: Partial<How> = {}): this {
    const { event = "once-1", effect = 1, delivery = deliveryNumber(1, 1), revision } = how;
    const token = `${process}/${effect}`;
    this.book(atMs, "end", { event, process, effect, fence, attempt: 1, delivery });
    this.see(atMs, process, { type: "effect.ended", event, effect, failed: false });
    this.#ask(
      atMs,
      process,
      { operation: "commit", event, token, fence, leaseMs: 1_000, ttlMs: 86_400_000, expected: fence },
      revision,
    );
    if (commit === undefined) return this;
    const answered = {
      type: "answered",
      event,
      delivery,
      answer: "acknowledged",
      because: "dispatched",
      commit,
    } as const;
    return this.see(atMs, process, answered);
  }

  look(process: string, turnMs: number, effect = 1): this {
    return this.see(turnMs, process, { type: "effect.looked", event: "once-1", effect, turnMs });
  }

  book(atMs: number, phase: Booked["phase"], booked: Omit<Booked, "atMs" | "phase">): this {
    this.books.push({ ...booked, atMs, phase });
    return this;
  }

  audit(atMs: number, shown: { revision: number; token?: string; state?: "reserved" | "committed" }): this {
    const op = ++this.#op;
    return this.see(
      atMs,
      AUDITOR,
      { type: "invoke", op, operation: "read", key: "once-1" },
      { type: "ok", op, ...shown },
    );
  }

  rules(account: Partial<Account> = {}): readonly string[] {
    const { history, books, published } = this;
    return judge({ ...quiet, published, ...account }, { history, books, torn: [] }).map(({ rule }) => rule);
  }

  #ask(
    atMs: number,
    process: string,
    sent: Omit<Extract<Seen, { type: "invoke" }>, "type" | "op" | "key">,
    revision?: number,
  ): void {
    const op = ++this.#op;
    this.see(atMs, process, { type: "invoke", op, key: sent.event ?? "", ...sent });
    this.see(
      atMs,
      process,
      revision === undefined ? { type: "unknown", op, because: "no answer" } : { type: "ok", op, revision },
    );
  }
}

interface How {
  readonly event: string;
  readonly effect: number;
  readonly delivery: number;
  readonly attempt: number;
  readonly expected: number;
  readonly revision: number;
  readonly turnMs: number;
  readonly isBooked: boolean;
}

/** Worker A dispatches the event once, as it should be. */
const well = (): Campaign => new Campaign().begin(0, "A", 5).end(100, "A", 5, "confirmed", { revision: 6 });
/** Worker A stands still from 10 on, and B takes over what it held. */
const takenOver = (): Campaign =>
  new Campaign().begin(0, "A", 5).begin(2_000, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) });
const bySecond = { delivery: deliveryNumber(1, 2), revision: 8 } as const;

describe("the verdict on a campaign", () => {
  it("finds nothing where every event was dispatched and committed, and stands there at the end", () => {
    expect(well().audit(200, { revision: 6, token: "A/1", state: "committed" }).rules()).toEqual([]);
  });

  it("finds nothing in what a worker did that stood still, or was killed, when it was told", () => {
    const late = takenOver().end(2_100, "B", 7, "confirmed", bySecond);
    late.see(5_000, "A", { type: "effect.told", event: "once-1", effect: 1 }).end(5_001, "A", 5, "superseded");
    expect(late.rules()).toEqual([]);
    const killed = new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" });
    killed
      .begin(2_000, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) })
      .end(2_100, "B", 7, "confirmed", bySecond);
    expect(killed.rules()).toEqual([]);
  });

  it("finds an event that was lost: never dispatched, or only by half", () => {
    expect(well().publish("once-2").rules()).toEqual(["lost"]);
    expect(new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" }).rules()).toEqual(["lost"]);
    expect(well().rules({ deadLetters: 2 })).toEqual(["lost"]);
  });

  it("finds a signal that did not fire before the endpoint heard of another, and a start that came too late", () => {
    const untold = takenOver().look("A", 2_050).end(2_100, "B", 7, "confirmed", bySecond);
    expect(untold.end(2_200, "A", 5, "superseded").rules()).toEqual(["G6", "G6"]);
    const asleep = takenOver().look("A", 1_900).end(2_100, "B", 7, "confirmed", bySecond);
    expect(asleep.end(2_200, "A", 5, "superseded").rules()).toEqual([]);
    const behind = new Campaign().begin(0, "B", 7).begin(10, "A", 5, { turnMs: 5, delivery: deliveryNumber(2, 1) });
    expect(behind.rules()).toEqual(expect.arrayContaining(["G5"]));
  });

  it("finds two that were told that they count", () => {
    const both = takenOver().end(2_100, "B", 7, "confirmed", bySecond).end(5_000, "A", 5, "adopted", { revision: 9 });
    expect(both.rules()).toEqual(expect.arrayContaining(["twice", "G8", "store"]));
  });

  it("finds what was never told, unless its process was killed, or told to end while it did not stop", () => {
    const silent = (): Campaign =>
      well().begin(300, "C", 10, { event: "once-2" }).end(400, "C", 10, undefined, { event: "once-2", revision: 11 });
    expect(silent().rules()).toEqual(["untold"]);
    expect(silent().see(500, "C", { type: "died" }).rules()).toEqual([]);
    expect(silent().see(500, "C", { type: "fault", fault: TOLD_TO_END }).rules()).toEqual(["untold"]);
    const told = silent().see(350, "C", { type: "effect.told", event: "once-2", effect: 1 });
    expect(told.see(500, "C", { type: "fault", fault: TOLD_TO_END }).rules()).toEqual([]);
  });

  it("finds a store that let two in, forgot what it acknowledged, or ended a record before its time", () => {
    const early = new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" });
    early
      .begin(1_400, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) })
      .end(1_500, "B", 7, "confirmed", bySecond);
    expect(early.rules()).toEqual(["store"]);
    expect(well().audit(200, { revision: 0 }).rules()).toEqual(["store"]);
    expect(well().audit(200, { revision: 5, token: "A/1", state: "reserved" }).rules()).toEqual(["store"]);
  });

  it("finds an attempt that knows of fewer before it than the transport", () => {
    const again = new Campaign().begin(0, "A", 5, { delivery: deliveryNumber(1, 3), attempt: 2 });
    expect(again.end(100, "A", 5, "confirmed", { revision: 6, delivery: deliveryNumber(1, 3) }).rules()).toEqual([
      "attempt",
    ]);
  });

  it("finds what did not come to rest, and who ended that nobody had told to", () => {
    expect(well().rules({ unacknowledged: 1 })).toEqual(["G4"]);
    expect(well().rules({ endedByThemselves: 1 })).toEqual(["process"]);
  });

  it("lets an event that comes again be dispatched again when its window is over", () => {
    const event = "again-0-1";
    const again = new Campaign().begin(0, "A", 5, { event }).end(100, "A", 5, "confirmed", { event, revision: 6 });
    const second = { event, effect: 2, delivery: deliveryNumber(2, 1) };
    again.begin(86_400_200, "A", 9, second).end(86_400_300, "A", 9, "confirmed", { ...second, revision: 10 });
    expect(again.rules()).toEqual([]);
  });
});

describe("the table of a campaign", () => {
  it("counts what happened", () => {
    const { history, books, published } = takenOver().end(2_100, "B", 7, "confirmed", bySecond);
    const account = { ...quiet, published, faults: new Map([["stop a worker", 1]]) };
    const shown = table(account, tallyOf(account, { history, books, torn: [] }), []);
    const rows = Object.fromEntries(shown.split("\n").map((row) => row.split(/ {2,}/)));
    expect(rows).toMatchObject({
      "events published": "1",
      keys: "1",
      deliveries: "2",
      redeliveries: "1",
      "dispatched: confirmed": "1",
      "takeovers of a reservation that had ended": "1",
      "fault: stop a worker": "1",
      "writes that were refused, and stored all the same": "0",
      violations: "0",
    });
  });

  it("counts what one server refused and another stored", () => {
    const campaign = well().see(300, "A", {
      type: "invoke",
      op: 90,
      operation: "renew",
      key: "k",
      token: "T",
      expected: 6,
    });
    campaign.see(301, "A", { type: "fail", op: 90, because: "conflict" });
    campaign.see(302, "A", { type: "invoke", op: 91, operation: "read", key: "k" });
    campaign.see(303, "A", { type: "ok", op: 91, revision: 7, token: "T", state: "reserved" });
    const { history, books } = campaign;
    const tally = tallyOf(quiet, { history, books, torn: [] });
    expect(tally.get("writes that were refused, and stored all the same")).toBe(1);
  });
});
