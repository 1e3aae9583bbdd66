import { describe, expect, it } from "vitest";
import type { History } from "../../../src/history/history.ts";
import { parseHistory } from "../../../src/history/history-text.ts";
import { CounterexampleError } from "../../../src/testing/report/counterexample.ts";
import { drawLanes } from "../../../src/testing/report/lanes.ts";
import { drawSequence } from "../../../src/testing/report/sequence-diagram.ts";
import { replay } from "../../../src/testing/search/replay.ts";
import type { HandlerUnderTest } from "../../../src/testing/sim/handler.ts";
import { getThenPut } from "../examples/get-then-put.ts";
import { withLatchkey } from "../examples/with-latchkey.ts";

const text = (...lines: readonly string[]): string => lines.join("\n");

describe("a run", () => {
  it("is drawn as lanes and as a sequence diagram, with its violation", async () => {
    const error: unknown = await replay("0,0,2", getThenPut).catch((reason: unknown) => reason);
    if (!(error instanceof CounterexampleError)) throw error;
    expect(error.run.lanes).toBe(
      text(
        "   line       ms  R1                   R2                            store",
        "      2        0  ◂ E1, delivery 1",
        "      3           get E1 …",
        "      4                                ◂ E1, delivery 2",
        "    5-6                                get E1 → nothing",
        "      7                                effect of E1 begins",
        "      8                                effect of E1 ends",
        '   9-11                                put E1 = "done" → revision 1  E1 = "done" (revision 1)',
        "     12                                ▸ acknowledged",
        "     13           … get E1 → nothing",
        "     14           effect of E1 begins",
        "         ✗ G3 (no second dispatch): R1 began the effect of E1 after it had been acknowledged in line 12",
      ),
    );
    expect(error.run.mermaid).toBe(
      text(
        "sequenceDiagram",
        "  participant b as broker",
        "  participant p0 as R1",
        "  participant p1 as R2",
        "  participant s as store",
        "  b->>p0: E1, delivery 1",
        "  p0->>s: get E1",
        "  b->>p1: E1, delivery 2",
        "  p1->>s: get E1",
        "  s-->>p1: nothing",
        "  Note over p1: effect of E1 begins",
        "  Note over p1: effect of E1 ends",
        '  p1->>s: put E1 = "done"',
        '  Note over s: E1 = "done" (revision 1)',
        "  s-->>p1: revision 1",
        "  p1->>b: acknowledged",
        "  s-->>p0: get E1: nothing",
        "  Note over p0: effect of E1 begins",
        "  Note over b,s: ✗ G3 (no second dispatch): R1 began the effect of E1 after it had been acknowledged in line 12",
        "",
      ),
    );
    const [header, ...lines] = parseHistory(error.run.ndjson);
    const [first] = error.run.violations;
    expect(header).toMatchObject({ violations: [{ guarantee: expect.stringMatching(/^G\d+ \(/), line: first?.line }] });
    expect(lines).toEqual(error.run.history.slice(1));
  });

  it("shows which process reserved and committed a key", async () => {
    const run = await replay("", withLatchkey);
    expect(run.lanes).toBe(
      text(
        "   line       ms  R1                                      store",
        "      2        0  ◂ E1, delivery 1",
        "    3-5           reserve E1 → revision 1                 E1: reserved by R1 (revision 1)",
        "      6           effect of E1 begins (fence 1)",
        "      7           effect of E1 ends",
        "   8-10           commit E1 over revision 1 → revision 2  E1: committed by R1 (revision 2)",
        "     11           ▸ acknowledged: dispatched, confirmed",
        "     12           ◂ E1, delivery 2",
        "     13           ▸ acknowledged: duplicate",
      ),
    );
  });

  it("shows faults, and the process that replaces a dead one", async () => {
    const once: HandlerUnderTest = (replica) => {
      const handle = withLatchkey(replica);
      return (delivery) => handle(delivery);
    };
    const crash = await replay("0,0,2", once, { deliveries: 1, replicas: 1, crashes: 1, ackWaitMs: 10_000 });
    expect(crash.lanes).toContain("↯ dies");
    expect(crash.lanes).toContain("◂ E1, delivery 2 (R1')");
    expect(crash.mermaid).toContain("participant p1 as R1'");
    const outage = await replay("0,2", once, { deliveries: 1, outages: 1 });
    expect(outage.lanes).toMatch(/^ +4 +↯ outage$/m);
    expect(outage.lanes).toContain("▸ nak: StoreUnavailableError");
  });
});

describe("a recorded history", () => {
  const ms = { atMs: 1, process: "worker-1" };
  const history: History = [
    { type: "history", version: 1, clock: "machine" },
    { ...ms, type: "delivered", event: "E1", delivery: 1 },
    { ...ms, type: "invoke", op: 1, operation: "release", key: "k", event: "E1", expected: 4 },
    { ...ms, type: "fault", fault: "partition", process: "nemesis" },
    { ...ms, type: "unknown", op: 1, because: "no answer" },
    { ...ms, type: "store.removed", key: "k", revision: 5, process: "store" },
    { ...ms, type: "ok", op: 7 },
    { ...ms, type: "effect.began", event: "E1; drop", effect: 1, name: "charge", fence: 0, hasSignal: true },
    { ...ms, type: "effect.checked", event: "E1", effect: 1, turnMs: 1 },
    { ...ms, type: "effect.aborted", event: "E1", effect: 1 },
    { ...ms, type: "frozen" },
    { ...ms, type: "invoke", op: 2, operation: "delete", key: "k".repeat(60), expected: 0 },
    { ...ms, type: "settled" },
  ];

  it("is drawn with gaps where lines are missing", () => {
    expect(drawLanes(history, [])).toBe(
      text(
        "   line       ms  worker-1                                        store",
        "      2        1  ◂ E1, delivery 1",
        "      3           release E1 …",
        "      4           ↯ partition",
        "      5           … release E1 → no answer",
        "      6                                                           E1: nothing",
        "      7           …  → done",
        "      8           charge of E1; drop begins",
        "     10           charge of E1: its signal aborts",
        "     11           ↯ freezes",
        "     12           delete kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…",
      ).replace("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…", `${"k".repeat(38)}…`),
    );
    expect(drawSequence(history, [])).toContain("Note over b,s: partition");
    expect(drawSequence(history, [])).toContain("Note over p0: charge of E1#59; drop begins");
  });
});
