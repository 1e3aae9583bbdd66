import { describe, expect, it } from "vitest";
import { Attention } from "../../../src/inspect/trace/attention.ts";
import { traceEvent } from "../page/samples.ts";

const of = (eventId: string) => ({
  identity: { storeKey: eventId, workspaceId: "w", subscriptionId: "s", eventId },
});
const shown = (attention: Attention): readonly string[] =>
  [...attention].map(({ concern, identity, times, cause, settled }) =>
    [concern, identity.eventId, times, cause, ...(settled ? ["settled"] : [])].join(" "),
  );

describe("a record that cannot be read", () => {
  it("is one concern until it is repaired, and a new one if it breaks again", () => {
    const attention = new Attention(10);
    attention.take(traceEvent("failed", of("evt-1")));
    for (const atMs of [1, 2, 3]) attention.reportUnreadable("The record under a.b.c is not JSON", atMs);
    const unreadable = "unreadable  1 The record under a.b.c is not JSON";
    expect(shown(attention)).toEqual(["failing evt-1 1 ", unreadable]);
    attention.settleUnreadable();
    expect(shown(attention)).toEqual(["failing evt-1 1 ", `${unreadable} settled`]);
    attention.reportUnreadable("The record under a.b.c is not JSON", 4);
    expect(shown(attention)).toEqual(["failing evt-1 1 ", unreadable.replace(" 1 ", " 2 ")]);
  });
});

describe("an event whose dispatch fails", () => {
  it("is one concern with its last error, until it is committed", () => {
    const attention = new Attention(10);
    for (const cause of ["TypeError", "Error ECONNREFUSED"]) {
      attention.take(traceEvent("failed", { ...of("evt-1"), cause }));
      attention.take(traceEvent("released", of("evt-1")));
    }
    expect(shown(attention)).toEqual(["failing evt-1 2 Error ECONNREFUSED"]);
    attention.take(traceEvent("committed", of("evt-1")));
    expect(shown(attention)).toEqual(["failing evt-1 2 Error ECONNREFUSED settled"]);
  });

  it("replaces the concern that it has many attempts, in either order", () => {
    const attention = new Attention(10);
    attention.take(traceEvent("reserved", { ...of("evt-1"), attempt: 4 }));
    expect(shown(attention)).toEqual(["retried evt-1 1 "]);
    attention.take(traceEvent("failed", { ...of("evt-1"), attempt: 4, cause: "Error" }));
    attention.take(traceEvent("reserved", { ...of("evt-1"), attempt: 5 }));
    expect(shown(attention)).toEqual(["failing evt-1 1 Error"]);
  });

  it("does not displace a more urgent concern, however many events fail", () => {
    const attention = new Attention(3);
    attention.take(traceEvent("superseded", of("evt-0")));
    for (let number = 1; number <= 9; number += 1) attention.take(traceEvent("failed", of(`evt-${number}`)));
    expect(shown(attention).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "superseded evt-0",
      "failing evt-8",
      "failing evt-9",
    ]);
  });

  it("gives way to urgent concerns, and the oldest urgent one to newer ones", () => {
    const attention = new Attention(2);
    attention.take(traceEvent("superseded", of("evt-0")));
    attention.take(traceEvent("superseded", of("evt-1")));
    attention.take(traceEvent("superseded", of("evt-2")));
    expect(shown(attention)).toEqual(["superseded evt-1 1 ", "superseded evt-2 1 "]);
  });
});
