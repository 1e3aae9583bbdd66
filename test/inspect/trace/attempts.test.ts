import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TracedAttempt } from "../../../src/inspect/trace/attempt.ts";
import type { TracedAttempts } from "../../../src/inspect/trace/attempts.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../../src/inspect/trace/trace-recorder.ts";
import { anyTraceEvent, traceEvent } from "./trace-events.ts";

/** A reader that follows the attempts by their changes. */
class Reader {
  readonly #attempts: TracedAttempts;
  #version: number | undefined;
  #backlog: Iterator<TracedAttempt> | undefined;
  readonly known = new Map<string, TracedAttempt>();

  constructor(attempts: TracedAttempts) {
    this.#attempts = attempts;
  }

  /** Reads at most one message of attempts. Returns true if that was all. */
  read(limit: number): boolean {
    if (this.#backlog !== undefined) return this.#readFrom(this.#backlog, limit);
    const changes = this.#version === undefined ? undefined : this.#attempts.changesSince(this.#version);
    if (changes === undefined) {
      this.known.clear();
      const { version, attempts } = this.#attempts.snapshot();
      this.#version = version;
      return this.#readFrom(attempts[Symbol.iterator](), limit);
    }
    this.#version = this.#attempts.version;
    for (const id of changes.gone) this.known.delete(id);
    return this.#readFrom(changes.set[Symbol.iterator](), limit);
  }

  #readFrom(attempts: Iterator<TracedAttempt>, limit: number): boolean {
    this.#backlog = attempts;
    for (let count = 0; count < limit; count += 1) {
      const next = attempts.next();
      if (next.done === true) {
        this.#backlog = undefined;
        return true;
      }
      this.known.set(next.value.id, { ...next.value });
    }
    return false;
  }

  readAll(): void {
    while (!this.read(100));
    // Reads the changes that arrived during the first read.
    while (!this.read(100));
  }
}

const shown = (attempts: Iterable<TracedAttempt>): readonly unknown[] =>
  [...attempts].map((attempt) => ({ ...attempt })).toSorted((one, other) => one.id.localeCompare(other.id));

const operation = fc.oneof(
  { weight: 5, arbitrary: anyTraceEvent.map((event) => ({ event })) },
  fc.record({ reader: fc.nat(1), limit: fc.integer({ min: 1, max: 2 }) }),
);

describe("the attempts in flight", () => {
  it("are known to every reader of the changes, however late and in however many chunks", () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (operations, attempts, trace) => {
          const recorder = new TraceRecorder({ ...DEFAULT_LIMITS, attempts, trace });
          const readers = [new Reader(recorder.attempts), new Reader(recorder.attempts)];
          for (const each of operations) {
            if ("event" in each) recorder.record(each.event);
            else readers[each.reader]?.read(each.limit);
            expect(recorder.attempts.size).toBeLessThanOrEqual(attempts);
          }
          for (const reader of readers) {
            reader.readAll();
            expect(shown(reader.known.values())).toEqual(shown(recorder.attempts));
          }
        },
      ),
    );
  });

  it("are one holder for each key, and attempts that lost the key or never held it", () => {
    const { attempts, ...recorder } = recording();
    recorder.record(traceEvent("reserved", "a", { fence: 1, revision: 1 }));
    recorder.record(traceEvent("renewed", "a", { revision: 2, atMs: 10_000 }));
    expect(shown(attempts)).toMatchObject([
      { id: "key of a", phase: "running", hold: "held", renewals: 1, revision: 2, leaseFromMs: 10_000, beganAtMs: 0 },
    ]);
    recorder.record(traceEvent("expired", "a", { cause: "store-unavailable" }));
    recorder.record(traceEvent("reserved", "a", { replica: "web-2", owner: "web-2", fence: 3 }));
    recorder.record(traceEvent("unprotected", "a", { replica: "web-3", owner: "web-3" }));
    expect(shown(attempts)).toMatchObject([
      { id: "key of a", owner: "web-2", hold: "held" },
      { id: "key of a web-1", owner: "web-1", hold: "lost" },
      { id: "key of a web-3", owner: "web-3", hold: "never" },
    ]);
    recorder.record(traceEvent("dispatched", "a"));
    recorder.record(traceEvent("failed", "a", { replica: "web-2" }));
    recorder.record(traceEvent("expired", "a", { replica: "web-3" }));
    expect(shown(attempts)).toMatchObject([{ phase: "releasing" }, { phase: "committing" }, { hold: "never" }]);
    recorder.record(traceEvent("superseded", "a"));
    recorder.record(traceEvent("released", "a", { replica: "web-2" }));
    recorder.record(traceEvent("nak", "a", { replica: "web-3" }));
    expect(attempts.size).toBe(0);
  });

  it("include attempts whose reservation was not seen", () => {
    const { attempts, ...recorder } = recording();
    recorder.record(traceEvent("renewed", "a", { fence: 1, revision: 5, atMs: 90_000, durationMs: 70_000 }));
    recorder.record(traceEvent("expired", "b", { cause: "lease-ended" }));
    recorder.record(traceEvent("dispatched", "c"));
    expect(shown(attempts)).toMatchObject([
      { id: "key of a", hold: "held", renewals: 1, beganAtMs: 20_000, leaseFromMs: 90_000 },
      { id: "key of b web-1", hold: "lost" },
    ]);
  });

  it("lapse when the lease ends without a renewal", () => {
    const recorder = new TraceRecorder();
    recorder.record(traceEvent("reserved", "a", { fence: 4, revision: 4 }));
    recorder.record(traceEvent("reserved", "b", { atMs: 5_000 }));
    recorder.assess({ nowMs: 31_999, skewMs: 2_000 });
    expect(recorder.attempts.size).toBe(2);
    recorder.assess({ nowMs: 32_000, skewMs: 2_000 });
    expect([...recorder.trace.after(2)]).toEqual([
      traceEvent("lapsed", "a", { atMs: 32_000, fence: 4, revision: 4, durationMs: 32_000 }),
    ]);
    recorder.record(traceEvent("reserved", "b", { atMs: 40_000, replica: "web-2" }));
    expect([...recorder.trace.after(3)].map(({ type, replica }) => [type, replica])).toEqual([
      ["lapsed", "web-1"],
      ["reserved", "web-2"],
    ]);
    expect(recorder.totals).toEqual({ reserved: 3, lapsed: 2 });
  });

  it("are read anew by a reader whose version is forgotten, or was never reached", () => {
    const recorder = new TraceRecorder({ ...DEFAULT_LIMITS, trace: 1 });
    const { attempts } = recorder;
    for (const key of ["a", "b"]) recorder.record(traceEvent("reserved", key));
    const { version } = attempts.snapshot();
    expect(attempts.changesSince(version)).toEqual({ set: [], gone: [] });
    expect(attempts.changesSince(version + 1)).toBeUndefined();
    for (const key of ["a", "b"]) recorder.record(traceEvent("committed", key));
    expect(attempts.changesSince(version)).toBeUndefined();
  });

  it("are suspected only while they hold their key", () => {
    const recorder = new TraceRecorder();
    recorder.record(traceEvent("reserved", "a"));
    recorder.record(traceEvent("expired", "a", { cause: "lease-ended" }));
    recorder.assess({ nowMs: 3_600_000, skewMs: 0 });
    expect(shown(recorder.attempts)).toMatchObject([{ hold: "lost", suspicion: undefined }]);
  });

  it("end without a lapse if another replica reserves the key during the lease", () => {
    const recorder = new TraceRecorder();
    recorder.record(traceEvent("reserved", "a"));
    recorder.record(traceEvent("reserved", "a", { atMs: 1_000, replica: "web-2", owner: "web-2" }));
    expect(recorder.totals).toEqual({ reserved: 2 });
    expect(shown(recorder.attempts)).toMatchObject([{ owner: "web-2" }]);
  });
});

function recording() {
  const recorder = new TraceRecorder();
  return {
    attempts: recorder.attempts,
    record: (event: Parameters<TraceRecorder["record"]>[0]) => recorder.record(event),
  };
}
