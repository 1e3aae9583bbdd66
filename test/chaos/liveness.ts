import type { History } from "../../src/history/history.ts";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";
import { permanentFaults } from "./permanent-faults.ts";

export interface LivenessOptions {
  readonly seed: number;
  /** Duration of the load under each fault, in milliseconds. */
  readonly forMs: number;
  readonly workers: number;
  readonly eventsPerSecond: number;
}

/** Progress of the rest under a fault that never heals. */
export interface Progress {
  readonly fault: string;
  readonly dispatched: number;
  /** Number of workers that acknowledged a dispatch. */
  readonly workers: number;
  /** Longest time between two acknowledged dispatches, in milliseconds. */
  readonly longestPauseMs: number;
  /** Time from the end of the load until every message was acknowledged, in milliseconds. */
  readonly settledAfterMs: number;
  readonly unacknowledged: number;
  readonly violations: readonly string[];
}

/** Runs a campaign under each permanent fault, and yields the progress that the rest made. */
export async function* measureLiveness(options: LivenessOptions): AsyncGenerator<Progress, void> {
  for (const [fault, permanentFault] of Object.entries(permanentFaults)) {
    const campaign = await checkedCampaign("liveness", {
      ...options,
      permanentFault,
      serverFaults: [],
      workerFaults: [],
      operatorFaults: [],
    });
    const { totals, history, violations } = campaign;
    deleteLogs(campaign);
    const { unacknowledged, settledAfterMs } = totals;
    const texts = violations.map(({ rule, what }) => `${rule}: ${what}`);
    yield { fault, ...dispatchesIn(history), unacknowledged, settledAfterMs, violations: texts };
  }
}

function dispatchesIn(history: History): Pick<Progress, "dispatched" | "workers" | "longestPauseMs"> {
  const answers = history.flatMap((line) =>
    line.type === "answered" && line.answer === "acknowledged" && line.because === "dispatched" ? [line] : [],
  );
  const times = answers.map(({ atMs }) => atMs).sort((one, other) => one - other);
  const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
  return {
    dispatched: answers.length,
    workers: new Set(answers.map(({ process }) => process)).size,
    longestPauseMs: Math.max(0, ...pauses),
  };
}

/** Formats the progress under one fault as a line. */
export function livenessLine({ fault, ...progress }: Progress): string {
  const { dispatched, workers, longestPauseMs, settledAfterMs, unacknowledged, violations } = progress;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    `${fault}: ${dispatched} dispatched by ${workers} workers`,
    `longest pause ${seconds(longestPauseMs)}`,
    `all acknowledged ${seconds(settledAfterMs)} after the load, ${unacknowledged} left`,
    ...violations,
  ].join(", ");
}
