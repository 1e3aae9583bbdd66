import { describe, expect, it } from "vitest";
import type { HistoryLine, Seen } from "../../src/history/history.ts";
import type { CommitOutcome } from "../../src/model/decision.ts";
import { AUDITOR, type CampaignTotals } from "./campaign.ts";
import { deliveryNumber } from "./delivery-number.ts";
import type { EndpointRequest } from "./endpoint-request.ts";
import { judge } from "./judge.ts";
import { revisionsRaisedBy } from "./raised-fences.ts";
import { table } from "./report.ts";
import { statisticsOf } from "./statistics.ts";
import { STOP_REQUESTED } from "./worker-slot.ts";

const calm: CampaignTotals = {
  published: new Map(),
  faults: new Map(),
  unacknowledged: 0,
  deadLetters: 0,
  processes: 2,
  crashes: 0,
  settledAfterMs: 0,
};

/** The logs of workers, endpoint and auditor in a small campaign. */
class Campaign {
  readonly history: HistoryLine[] = [{ type: "history", version: 1, clock: "machine" }];
  readonly requests: EndpointRequest[] = [];
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

  /** A delivery gets a reservation with `fence`, and its effect begins. */
  begin(atMs: number, process: string, fence: number, how: Partial<How> = {}): this {
    const { event = "once-1", effect = 1, delivery = deliveryNumber(1, 1), attempt = 1, expected = 0 } = how;
    const { turnMs = atMs, isReceived = true } = how;
    const token = `${process}/${effect}`;
    this.publish(event).see(atMs, process, { type: "delivered", event, delivery });
    this.#ask(
      atMs,
      process,
      { operation: "reserve", event, token, fence: 0, leaseMs: 1_000, ttlMs: 1_500, expected },
      fence,
    );
    this.see(atMs, process, { type: "effect.began", event, effect, name: "effect", fence, hasSignal: true, turnMs });
    return isReceived ? this.receive(atMs, "begin", { event, process, effect, fence, attempt, delivery }) : this;
  }

  /** The effect succeeds. Its commit is acknowledged with `revision`, if there is one. */
  end(atMs: number, process: string, fence: number, commit: CommitOutcome | undefined, how: Partial<How> = {}): this {
    const { event = "once-1", effect = 1, delivery = deliveryNumber(1, 1), revision } = how;
    const token = `${process}/${effect}`;
    this.receive(atMs, "end", { event, process, effect, fence, attempt: 1, delivery });
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
    return this.see(turnMs, process, { type: "effect.checked", event: "once-1", effect, turnMs });
  }

  receive(atMs: number, phase: EndpointRequest["phase"], request: Omit<EndpointRequest, "atMs" | "phase">): this {
    this.requests.push({ ...request, atMs, phase });
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

  rules(totals: Partial<CampaignTotals> = {}): readonly string[] {
    const { history, requests, published } = this;
    return judge({ ...calm, published, ...totals }, { history, requests, truncated: [] }).map(({ rule }) => rule);
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
  readonly isReceived: boolean;
}

/** Worker A dispatches the event once and commits. */
const dispatchedOnce = (): Campaign => new Campaign().begin(0, "A", 5).end(100, "A", 5, "confirmed", { revision: 6 });
/** Worker A is paused after 10 ms, and B takes over its reservation. */
const takenOver = (): Campaign =>
  new Campaign().begin(0, "A", 5).begin(2_000, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) });
const bySecond = { delivery: deliveryNumber(1, 2), revision: 8 } as const;

describe("the judge of a campaign", () => {
  it("accepts a campaign whose events are dispatched, committed and stored at the end", () => {
    expect(dispatchedOnce().audit(200, { revision: 6, token: "A/1", state: "committed" }).rules()).toEqual([]);
  });

  it("accepts late work of a worker that was paused until its signal fired, or killed", () => {
    const late = takenOver().end(2_100, "B", 7, "confirmed", bySecond);
    late.see(5_000, "A", { type: "effect.aborted", event: "once-1", effect: 1 }).end(5_001, "A", 5, "superseded");
    expect(late.rules()).toEqual([]);
    const killed = new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" });
    killed
      .begin(2_000, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) })
      .end(2_100, "B", 7, "confirmed", bySecond);
    expect(killed.rules()).toEqual([]);
  });

  it("finds an event that was lost: never dispatched, or not to the end", () => {
    expect(dispatchedOnce().publish("once-2").rules()).toEqual(["lost"]);
    expect(new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" }).rules()).toEqual(["lost"]);
    expect(dispatchedOnce().rules({ deadLetters: 2 })).toEqual(["lost"]);
  });

  it("finds a signal that had not fired when the endpoint received a successor's request, and an effect that began too late", () => {
    const unaborted = takenOver().look("A", 2_050).end(2_100, "B", 7, "confirmed", bySecond);
    expect(unaborted.end(2_200, "A", 5, "superseded").rules()).toEqual(["G6", "G6"]);
    const asleep = takenOver().look("A", 1_900).end(2_100, "B", 7, "confirmed", bySecond);
    expect(asleep.end(2_200, "A", 5, "superseded").rules()).toEqual([]);
    const behind = new Campaign().begin(0, "B", 7).begin(10, "A", 5, { turnMs: 5, delivery: deliveryNumber(2, 1) });
    expect(behind.rules()).toEqual(expect.arrayContaining(["G5"]));
  });

  it("finds two successes of one event that both count", () => {
    const both = takenOver().end(2_100, "B", 7, "confirmed", bySecond).end(5_000, "A", 5, "adopted", { revision: 9 });
    expect(both.rules()).toEqual(expect.arrayContaining(["twice", "G8", "store"]));
  });

  it("finds an unreported commit, unless the process was killed, or stopped while its effect ignored the signal", () => {
    const silent = (): Campaign =>
      dispatchedOnce()
        .begin(300, "C", 10, { event: "once-2" })
        .end(400, "C", 10, undefined, { event: "once-2", revision: 11 });
    expect(silent().rules()).toEqual(["unreported"]);
    expect(silent().see(500, "C", { type: "died" }).rules()).toEqual([]);
    expect(silent().see(500, "C", { type: "fault", fault: STOP_REQUESTED }).rules()).toEqual(["unreported"]);
    const aborted = silent().see(350, "C", { type: "effect.aborted", event: "once-2", effect: 1 });
    expect(aborted.see(500, "C", { type: "fault", fault: STOP_REQUESTED }).rules()).toEqual([]);
  });

  it("finds a store that accepts two holders, forgets an acknowledged write, or ends a record too early", () => {
    const early = new Campaign().begin(0, "A", 5).see(10, "A", { type: "died" });
    early
      .begin(1_400, "B", 7, { attempt: 2, delivery: deliveryNumber(1, 2) })
      .end(1_500, "B", 7, "confirmed", bySecond);
    expect(early.rules()).toEqual(["store"]);
    expect(dispatchedOnce().audit(200, { revision: 0 }).rules()).toEqual(["store"]);
    expect(dispatchedOnce().audit(200, { revision: 5, token: "A/1", state: "reserved" }).rules()).toEqual(["store"]);
  });

  it("knows a commit again after an operator raised the revisions, and finds one that was lost", () => {
    const raised = (): Campaign =>
      dispatchedOnce().see(200, "nemesis", { type: "fault", fault: revisionsRaisedBy(1_000) });
    const later = raised().begin(300, "C", 1_009, { event: "once-2" });
    later.end(400, "C", 1_009, "confirmed", { event: "once-2", revision: 1_010 });
    expect(later.audit(500, { revision: 1_006, token: "A/1", state: "committed" }).rules()).toEqual([]);
    expect(raised().audit(500, { revision: 0 }).rules()).toEqual(["store"]);
    expect(raised().audit(500, { revision: 6, token: "A/1", state: "committed" }).rules()).toContain("store");
  });

  it("finds an attempt number below the delivery count of its message", () => {
    const again = new Campaign().begin(0, "A", 5, { delivery: deliveryNumber(1, 3), attempt: 2 });
    expect(again.end(100, "A", 5, "confirmed", { revision: 6, delivery: deliveryNumber(1, 3) }).rules()).toEqual([
      "attempt",
    ]);
  });

  it("finds messages that stay unacknowledged, and workers that crashed", () => {
    expect(dispatchedOnce().rules({ unacknowledged: 1 })).toEqual(["G4"]);
    expect(dispatchedOnce().rules({ crashes: 1 })).toEqual(["process"]);
  });

  it("accepts a second dispatch of a recurring event after its window", () => {
    const event = "recurring-0-1";
    const again = new Campaign().begin(0, "A", 5, { event }).end(100, "A", 5, "confirmed", { event, revision: 6 });
    const second = { event, effect: 2, delivery: deliveryNumber(2, 1) };
    again.begin(86_400_200, "A", 9, second).end(86_400_300, "A", 9, "confirmed", { ...second, revision: 10 });
    expect(again.rules()).toEqual([]);
  });
});

describe("the statistics of a campaign", () => {
  it("count every kind of event", () => {
    const { history, requests, published } = takenOver().end(2_100, "B", 7, "confirmed", bySecond);
    const totals = { ...calm, published, faults: new Map([["pause a worker", 1]]) };
    const shown = table(totals, statisticsOf(totals, { history, requests, truncated: [] }), []);
    const rows = Object.fromEntries(shown.split("\n").map((row) => row.split(/ {2,}/)));
    expect(rows).toMatchObject({
      "events published": "1",
      keys: "1",
      deliveries: "2",
      redeliveries: "1",
      "dispatched: confirmed": "1",
      "takeovers of an expired reservation": "1",
      "fault: pause a worker": "1",
      "writes that were rejected but stored": "0",
      violations: "0",
    });
  });

  it("count a write that one server rejected and another stored", () => {
    const campaign = dispatchedOnce().see(300, "A", {
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
    const { history, requests } = campaign;
    const statistics = statisticsOf(calm, { history, requests, truncated: [] });
    expect(statistics.get("writes that were rejected but stored")).toBe(1);
  });
});
