import { describe, expect, it } from "vitest";
import type { History } from "../../../src/history/history.ts";
import { formatHistory } from "../../../src/history/history-text.ts";
import { readRecording } from "../../../src/inspect/page/state/playback.ts";
import { Session } from "../../../src/inspect/page/state/session.ts";
import { summaryOf } from "../../../src/inspect/page/state/summary.ts";
import { formatTrace } from "../../../src/inspect/trace/trace-text.ts";
import { identity, traceEvent } from "./samples.ts";

const began = (process: string, atMs: number, event: string) =>
  ({ type: "effect.began", process, atMs, event, effect: 1, name: "run", fence: 1, hasSignal: true }) as const;

/** Two replicas dispatch one event. */
const run = (
  event: string,
  violations: NonNullable<Extract<History[number], { type: "history" }>["violations"]>,
): History => [
  { type: "history", version: 1, clock: "simulated", violations },
  { type: "delivered", process: "a", atMs: 0, event, delivery: 1 },
  began("a", 1, event),
  { type: "delivered", process: "b", atMs: 2, event, delivery: 2 },
  began("b", 3, event),
  { type: "settled", process: "broker", atMs: 4 },
];

const violation = { guarantee: "G3 (no second dispatch)", line: 5, why: "The effect ran twice" };

describe("a recorded counterexample", () => {
  it("opens at the step that shows the violation", () => {
    const recording = readRecording("run.ndjson", formatHistory(run("evt-1", [violation])));
    expect(recording.firstPosition).toBe(4);
    recording.seek(recording.firstPosition);
    expect(recording.violationsHere).toEqual(
      [{ ...violation, line: undefined, position: 4 }].map(({ line: _, ...rest }) => rest),
    );
    const shown = recording.detail("evt-1")?.trace ?? [];
    expect(shown.map((event) => recording.isViolation(event))).toEqual([false, false, false, true]);
    recording.seek(1);
    expect(recording.violationsHere).toEqual([]);
  });

  it("shows a violation at a line without an event at the event before it, and ignores a line that does not exist", () => {
    const atSettled = { ...violation, line: 6 };
    const nowhere = { ...violation, line: 99 };
    const recording = readRecording("run.ndjson", formatHistory(run("evt-1", [nowhere, atSettled, violation])));
    expect(recording.violations.map(({ position }) => position)).toEqual([4, 4]);
  });

  it("opens at its end without a violation", () => {
    expect(readRecording("run.ndjson", formatHistory(run("evt-1", []))).firstPosition).toBe(4);
  });

  it("counts every delivery, also one that no answer ended", () => {
    const recording = readRecording("run.ndjson", formatHistory(run("evt-1", [violation])));
    const session = new Session();
    for (const message of recording.seek(4)) session.take(message);
    const sentence = summaryOf(session)
      .map(({ text }) => text)
      .join("");
    expect(sentence).toMatch(/^Of 2 deliveries, /);
  });

  it("makes the texts of a violation safe to show", () => {
    const text = formatHistory(run("evt-1", [{ guarantee: "G1\u202E", line: 2, why: "\u001B[2Jwhy" }]));
    expect(readRecording("run.ndjson", text).violations).toEqual([
      { guarantee: "G1\\u{202e}", why: "\\u{1b}[2Jwhy", position: 1 },
    ]);
  });

  it("is refused with the field if its violations are malformed", () => {
    const text = formatHistory(run("evt-1", [])).replace('"violations":[]', '"violations":[{"line":0}]');
    expect(() => readRecording("run.ndjson", text)).toThrow(/violations/);
  });
});

describe("a recording with very long ids", () => {
  it("is opened without a delay that a person would notice, even with an id of 50 MB", () => {
    // Encoding the id as JSON would take longer than reading it.
    const text = formatTrace([traceEvent("reserved", { identity: { ...identity, eventId: "ID" } })]);
    const [event] = readRecording("run.ndjson", text.replace("ID", "x".repeat(50_000_000))).trace;
    expect(event?.identity.eventId).toMatch(/^x{1800}… \(50000000 characters\) …x{200}$/);
  });

  it("has short keys that stay different", () => {
    const long = "x".repeat(1_000_000);
    const two = [...run(`${long}1`, []), ...run(`${long}2`, []).slice(1)];
    const recording = readRecording("run.ndjson", formatHistory(two));
    const keys = new Set(recording.trace.map(({ identity }) => identity.storeKey));
    expect(keys.size).toBe(2);
    for (const { identity } of recording.trace) {
      expect(identity.storeKey.length).toBeLessThan(100);
      expect(identity.eventId.length).toBeLessThan(2_100);
    }
    const ends = new Set(recording.trace.map(({ identity }) => identity.eventId.at(-1)));
    expect(ends).toEqual(new Set(["1", "2"]));
  });
});
