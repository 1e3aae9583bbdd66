import { describe, expect, it } from "vitest";
import { NoticeLog } from "../../../src/inspect/trace/notice-log.ts";
import { traceEvent } from "../page/samples.ts";

const of = (eventId: string) => ({
  identity: { storeKey: eventId, workspaceId: "w", subscriptionId: "s", eventId },
});
const shown = (notices: NoticeLog): readonly string[] =>
  [...notices].map(({ concern, identity, times, cause, resolved }) =>
    [concern, identity.eventId, times, cause, ...(resolved ? ["resolved"] : [])].join(" "),
  );

describe("a record that cannot be read", () => {
  it("is one concern until it is repaired, and a new one if it breaks again", () => {
    const notices = new NoticeLog(10);
    notices.take(traceEvent("failed", of("evt-1")));
    for (const atMs of [1, 2, 3]) notices.reportUnreadable("The record under a.b.c is not JSON", atMs);
    const unreadable = "unreadable  1 The record under a.b.c is not JSON";
    expect(shown(notices)).toEqual(["failing evt-1 1 ", unreadable]);
    notices.resolveUnreadable();
    expect(shown(notices)).toEqual(["failing evt-1 1 ", `${unreadable} resolved`]);
    notices.reportUnreadable("The record under a.b.c is not JSON", 4);
    expect(shown(notices)).toEqual(["failing evt-1 1 ", unreadable.replace(" 1 ", " 2 ")]);
  });
});

describe("an event whose dispatch fails", () => {
  it("is one concern with its last error, until it is committed", () => {
    const notices = new NoticeLog(10);
    for (const cause of ["TypeError", "Error ECONNREFUSED"]) {
      notices.take(traceEvent("failed", { ...of("evt-1"), cause }));
      notices.take(traceEvent("released", of("evt-1")));
    }
    expect(shown(notices)).toEqual(["failing evt-1 2 Error ECONNREFUSED"]);
    notices.take(traceEvent("committed", of("evt-1")));
    expect(shown(notices)).toEqual(["failing evt-1 2 Error ECONNREFUSED resolved"]);
  });

  it("replaces the concern that it has many attempts, in either order", () => {
    const notices = new NoticeLog(10);
    notices.take(traceEvent("reserved", { ...of("evt-1"), attempt: 4 }));
    expect(shown(notices)).toEqual(["retried evt-1 1 "]);
    notices.take(traceEvent("failed", { ...of("evt-1"), attempt: 4, cause: "Error" }));
    notices.take(traceEvent("reserved", { ...of("evt-1"), attempt: 5 }));
    expect(shown(notices)).toEqual(["failing evt-1 1 Error"]);
  });

  it("does not displace a more urgent concern, however many events fail", () => {
    const notices = new NoticeLog(3);
    notices.take(traceEvent("superseded", of("evt-0")));
    for (let number = 1; number <= 9; number += 1) notices.take(traceEvent("failed", of(`evt-${number}`)));
    expect(shown(notices).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "superseded evt-0",
      "failing evt-8",
      "failing evt-9",
    ]);
  });

  it("gives way to urgent concerns, and the oldest urgent one to newer ones", () => {
    const notices = new NoticeLog(2);
    notices.take(traceEvent("superseded", of("evt-0")));
    notices.take(traceEvent("superseded", of("evt-1")));
    notices.take(traceEvent("superseded", of("evt-2")));
    expect(shown(notices)).toEqual(["superseded evt-1 1 ", "superseded evt-2 1 "]);
  });
});
