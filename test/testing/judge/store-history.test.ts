import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryLine, Operation, Seen } from "../../../src/history/history.ts";
import * as latchkey from "../../../src/index.ts";
import { checkStoreHistory } from "../../../src/testing/judge/store-history.ts";
import { simulate } from "../../../src/testing/sim/simulate.ts";
import { allFaults, anySchedule, worldWith } from "../../support/faulty-world.ts";
import { latchkeyService } from "../../support/latchkey-service.ts";

type ShownEntry = { readonly revision: number; readonly token?: string; readonly state?: "reserved" | "committed" };
type Ending = { readonly type: "ok" } & Partial<ShownEntry>;

/** Builds the lines of several clients. Each operation takes one millisecond, unless it never ends. */
class Clients {
  readonly lines: HistoryLine[] = [{ type: "history", version: 1, clock: "machine" }];
  #op = 0;

  ask(atMs: number, process: string, operation: Operation, expected: number | undefined, ending?: Ending | Fail): this {
    const op = ++this.#op;
    const how = expected === undefined ? {} : { expected };
    const token = operation === "reserve" || operation === "commit" ? { token: `of ${process}`, ttlMs: 1_000 } : {};
    this.#see(atMs, process, { type: "invoke", op, operation, key: "k", ...how, ...token });
    if (ending !== undefined) this.#see(atMs + 1, process, { op, ...ending });
    return this;
  }

  unknown(atMs: number, process: string, operation: Operation, expected: number): this {
    this.ask(atMs, process, operation, expected);
    this.#see(atMs + 1, process, { type: "unknown", op: this.#op, because: "no answer" });
    return this;
  }

  #see(atMs: number, process: string, seen: Seen): void {
    this.lines.push({ atMs, process, ...seen });
  }
}

type Fail = { readonly type: "fail"; readonly because: "conflict" | "refused" } & Partial<ShownEntry>;

const ok = (entry: Partial<ShownEntry> = {}): Ending => ({ type: "ok", ...entry });
const conflict = (entry: Partial<ShownEntry> = {}): Fail => ({ type: "fail", because: "conflict", ...entry });
const shown = (revision: number, of: string, state: "reserved" | "committed" = "reserved"): Ending =>
  ok({ revision, token: `of ${of}`, state });

/** A key that A reserves with revision 5 at time 0. */
const reserved = (): Clients => new Clients().ask(0, "A", "reserve", 0, ok({ revision: 5 }));
const broken = ({ lines }: Clients): readonly string[] =>
  checkStoreHistory(lines, { exactReader: "auditor" }).map(({ why }) => why);

describe("checkStoreHistory", () => {
  it("accepts writes over the expected revision, or over an expired entry", () => {
    expect(broken(reserved().ask(10, "A", "commit", 5, ok({ revision: 6 })))).toEqual([]);
    expect(broken(reserved().ask(1_000, "B", "reserve", 0, ok({ revision: 6 })))).toEqual([]);
    expect(
      broken(
        reserved()
          .ask(10, "A", "release", 5, ok())
          .ask(20, "B", "reserve", 0, ok({ revision: 7 })),
      ),
    ).toEqual([]);
    expect(
      broken(
        reserved()
          .ask(1_000, "B", "reserve", 5, ok({ revision: 6 }))
          .ask(2_000, "A", "commit", 5, conflict()),
      ),
    ).toEqual([]);
  });

  it("finds two holders of a key, a lost acknowledged write, and a late write that changed an entry", () => {
    const stuck = /^No order explains the operations: after /;
    expect(broken(reserved().ask(10, "B", "reserve", 0, ok({ revision: 6 })))).toEqual([
      "No order explains the operations: after A put reserved of A over 0: stored as 5 [0, 1], none of these can follow: B put reserved of B over 0: stored as 6 [10, 11]",
    ]);
    expect(broken(reserved().ask(990, "B", "reserve", 0, ok({ revision: 6 })))).toEqual([expect.stringMatching(stuck)]);
    const late = reserved()
      .ask(1_500, "B", "reserve", 0, ok({ revision: 6 }))
      .ask(1_600, "A", "commit", 5, ok({ revision: 7 }));
    expect(broken(late)).toEqual([expect.stringMatching(stuck)]);
    expect(broken(reserved().ask(10, "B", "release", 4, ok()))).toEqual([expect.stringMatching(stuck)]);
  });

  it("finds a revision that two writes got", () => {
    expect(broken(reserved().ask(10, "A", "commit", 5, ok({ revision: 5 })))).toHaveLength(2);
  });

  it("treats a write without a response as applied, not applied or applied late, as the history requires", () => {
    const lost = (): Clients => new Clients().unknown(0, "A", "reserve", 0);
    expect(broken(lost().ask(10, "B", "reserve", 0, ok({ revision: 6 })))).toEqual([]);
    expect(broken(lost().ask(10, "B", "reserve", 0, conflict()))).toEqual([]);
    expect(broken(lost().ask(10, "A", "commit", 5, ok({ revision: 6 })))).toEqual([]);
    expect(
      broken(
        lost()
          .ask(10, "A", "read", undefined, shown(5, "A"))
          .ask(20, "B", "reserve", 0, ok({ revision: 6 })),
      ),
    ).toHaveLength(1);
    expect(broken(new Clients().ask(0, "A", "reserve", 0).ask(10, "A", "commit", 5, ok({ revision: 6 })))).toEqual([]);
    const removal = reserved()
      .unknown(5, "A", "release", 5)
      .ask(10, "B", "reserve", 0, ok({ revision: 7 }));
    expect(broken(removal)).toEqual([]);
  });

  it("accepts outdated reads, but not reads of entries that were never written or written later", () => {
    const committed = (): Clients => reserved().ask(10, "A", "commit", 5, ok({ revision: 6 }));
    expect(broken(committed().ask(20, "B", "read", undefined, shown(5, "A")))).toEqual([]);
    expect(broken(committed().ask(20, "B", "read", undefined, ok({ revision: 0 })))).toEqual([]);
    expect(
      broken(committed().ask(20, "B", "reserve", 0, conflict({ revision: 5, token: "of A", state: "reserved" }))),
    ).toEqual([]);
    expect(broken(committed().ask(20, "B", "read", undefined, shown(6, "A", "reserved")))).toEqual([
      "B get: held reserved of A at 6 [-Infinity, 21] shows what A put committed of A over 5: stored as 6 [10, 11] cannot have stored",
    ]);
    expect(broken(committed().ask(-20, "B", "read", undefined, shown(5, "A")))).toHaveLength(1);
    expect(broken(committed().ask(20, "B", "read", undefined, shown(9, "C")))).toHaveLength(1);
  });

  it("refuses outdated reads of an exact reader", () => {
    const committed = (): Clients => reserved().ask(10, "A", "commit", 5, ok({ revision: 6 }));
    expect(broken(committed().ask(20, "auditor", "read", undefined, shown(6, "A", "committed")))).toEqual([]);
    expect(broken(committed().ask(20, "auditor", "read", undefined, shown(5, "A")))).toHaveLength(1);
    expect(broken(committed().ask(20, "auditor", "read", undefined, ok({ revision: 0 })))).toHaveLength(1);
    expect(broken(committed().ask(1_011, "auditor", "read", undefined, ok({ revision: 0 })))).toEqual([]);
  });

  it("ignores operations that the history does not describe completely", () => {
    expect(
      broken(
        reserved()
          .ask(20, "B", "read", undefined, ok({ revision: 5 }))
          .ask(30, "B", "put", 5, ok({ revision: 9 })),
      ),
    ).toEqual([]);
    expect(broken(new Clients().ask(0, "A", "reserve", 0, { type: "fail", because: "refused" }))).toEqual([]);
  });

  it("treats a failed write as one without a response if failures are not final", () => {
    const taken = reserved()
      .ask(10, "A", "commit", 5, conflict())
      .ask(20, "A", "read", undefined, shown(6, "A", "committed"));
    expect(broken(taken)).toHaveLength(1);
    expect(checkStoreHistory(taken.lines, { failuresAreFinal: false })).toEqual([]);
  });

  it("accepts every run of the memory store under faults", async () => {
    const service = latchkeyService(latchkey, {});
    await fc.assert(
      fc.asyncProperty(anySchedule, fc.boolean(), async (schedule, returnsConflicts) => {
        const { history } = await simulate(
          worldWith(service, allFaults, { explainsConflicts: returnsConflicts }),
          schedule,
        );
        expect(checkStoreHistory(history)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
