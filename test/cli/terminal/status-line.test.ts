import { describe, expect, it } from "vitest";
import { StatusLine } from "../../../src/cli/terminal/status-line.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { FakeSink } from "../support/fake-io.ts";

const CLEAR = "\r\u001b[2K";

describe("the status line", () => {
  it("is redrawn, truncated, and moved below other output", async () => {
    const [sink, clock] = [new FakeSink(true), new SimulatedClock()];
    let done = 0;
    const line = new StatusLine(sink, clock, () => `${++done} ${"x".repeat(100)}`);
    clock.advance(250);
    await line.print("other\n");
    clock.advance(100);
    await line[Symbol.asyncDispose]();
    const shown = (number: number): string => CLEAR + `${number} ${"x".repeat(100)}`.slice(0, 79);
    expect(sink.text).toBe(`${shown(1)}${shown(2)}${CLEAR}other\n${shown(3)}${CLEAR}`);
    expect(clock.timers).toBe(0);
  });

  it("waits while another line is incomplete", async () => {
    const [sink, clock] = [new FakeSink(true), new SimulatedClock()];
    await using line = new StatusLine(sink, clock, () => "status");
    await line.print("begun");
    clock.advance(500);
    await line.print(" and ended\n");
    clock.advance(100);
    expect(sink.text).toBe(`begun and ended\n${CLEAR}status`);
  });

  it("is absent without a terminal", async () => {
    const [sink, clock] = [new FakeSink(false), new SimulatedClock()];
    await using line = new StatusLine(sink, clock, () => "status");
    clock.advance(500);
    await line.print("other\n");
    expect([sink.text, clock.timers]).toEqual(["other\n", 0]);
  });
});
