import type { ConsumerInfo } from "@nats-io/jetstream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServerTime } from "../../../src/nats/consumer/server-time.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const INFO: ConsumerInfo = {
  stream_name: "EVENTS",
  name: "worker",
  created: "",
  config: { ack_policy: "explicit", deliver_policy: "all", replay_policy: "instant" },
  delivered: { consumer_seq: 0, stream_seq: 0, last_active: 0 },
  ack_floor: { consumer_seq: 0, stream_seq: 0, last_active: 0 },
  num_ack_pending: 0,
  num_redelivered: 0,
  num_waiting: 0,
  num_pending: 0,
  push_bound: false,
  paused: false,
  pause_remaining: 0,
};

describe("the time of the server", () => {
  it("is wrong by half of the last round trip at most, however wrong the clock of the replica is", async () => {
    const ms = fc.integer({ min: 0, max: 5_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.record({ there: ms, back: ms, after: ms }), { minLength: 1 }),
        async (offMs, reads) => {
          const clock = new SimulatedClock(Date.UTC(2030, 0, 1));
          const serverMs = () => clock.wallMs() + offMs;
          const time = new ServerTime(clock);
          for (const { there, back, after } of reads) {
            const answer = await time.read(async () => {
              clock.advance(there);
              const ts = new Date(serverMs()).toISOString();
              clock.advance(back);
              return { ...INFO, ts };
            });
            expect(answer).toMatchObject({ name: "worker" });
            clock.advance(after);
            expect(Math.abs(time.nowMs() - serverMs())).toBeLessThanOrEqual((there + back) / 2);
          }
        },
      ),
    );
  });

  it("remains as it was if a read fails, or its answer contains no time", async () => {
    const clock = new SimulatedClock();
    const time = new ServerTime(clock);
    expect(time.nowMs()).toBe(clock.wallMs());
    await time.read(async () => ({ ...INFO, ts: "2040-01-01T00:00:00.123456789Z" }));
    clock.advance(1_000);
    await expect(time.read(() => Promise.reject(new Error("timeout")))).rejects.toThrow("timeout");
    await time.read(async () => INFO);
    expect(time.nowMs()).toBe(Date.UTC(2040, 0, 1, 0, 0, 1, 123));
  });
});
