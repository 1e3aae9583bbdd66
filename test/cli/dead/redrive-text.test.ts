import { describe, expect, it } from "vitest";
import { deadEndText, refusalLine, refusalText } from "../../../src/cli/dead/redrive-text.ts";
import type { RedriveRefusal } from "../../../src/model/dead-letter.ts";

const counts = (done: number, left = 0, gone = 0) => ({ done, left, gone });

describe("the end of a change of dead letters", () => {
  it.each([
    [deadEndText("nothing-to-do", "redrive", 0, counts(0)), "No letters match.\n"],
    [deadEndText("dry-run", "redrive", 2, counts(0)), "Nothing was redriven: this was a dry run.\n"],
    [deadEndText("dry-run", "drop", 2, counts(0)), "Nothing was dropped: this was a dry run.\n"],
    [deadEndText("declined", "drop", 2, counts(0)), "Nothing was dropped.\n"],
    [deadEndText("interrupted", "redrive", 1_200, counts(7)), "Interrupted: 7 of 1,200 letters redriven.\n"],
    [deadEndText("done", "redrive", 1, counts(1)), "1 letter redriven.\n"],
    [deadEndText("done", "drop", 4, counts(2, 1, 1)), "2 letters dropped, 1 stays, 1 was gone.\n"],
    [deadEndText("done", "redrive", 6, counts(0, 4, 2)), "0 letters redriven, 4 stay, 2 were gone.\n"],
  ])("reads %j", (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe("the reason why a letter stays", () => {
  it.each<readonly [RedriveRefusal, string]>([
    [
      { why: "dispatched", owner: "web\u001b-1", committedAtMs: 0 },
      "web\\u{1b}-1 has dispatched its event. Drop it, or clear",
    ],
    [{ why: "in-progress", owner: "web-1" }, "web-1 is dispatching its event. Try again"],
    [{ why: "unreadable-record", problem: "not JSON" }, "no readable record: not JSON. Clear it with"],
    [{ why: "no-body" }, "Ask the sender to send it again"],
    [{ why: "no-headers" }, "a redrive would lose them. Publish it by hand, or drop it"],
    [{ why: "contended" }, "kept changing. Try again"],
  ])("says what to do: %j", (refusal, sentence) => {
    expect(refusalText(refusal)).toContain(sentence);
    expect(refusalLine(7, "evt\u202e", { result: "left", ...refusal })).toBe(
      `Letter 7 (evt\\u{202e}) stays: ${refusalText(refusal)}.\n`,
    );
  });

  it("is empty for a letter that is gone", () => {
    expect(refusalLine(7, "evt-1", { result: "gone" })).toBe("");
  });
});
