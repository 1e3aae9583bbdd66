import { type CpuProfile, cpuProfileOf } from "./cpu-profile.ts";

export interface Turns<Contestant> {
  readonly rounds: number;
  /** Called when a contestant fails, which is then left out of the following rounds. By default the error is thrown. */
  readonly onFailed?: (contestant: Contestant, error: unknown) => void;
}

/** Runs every contestant once a round. They take turns, so that a disturbance affects all of them. */
export async function takeTurns<Contestant, Result>(
  contestants: Iterable<Contestant>,
  { rounds, onFailed }: Turns<Contestant>,
  run: (contestant: Contestant, round: string) => Promise<Result>,
): Promise<ReadonlyMap<Contestant, readonly Result[]>> {
  const results = new Map<Contestant, Result[]>([...contestants].map((contestant) => [contestant, []]));
  const failed = new Set<Contestant>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [contestant, ofContestant] of results) {
      if (failed.has(contestant)) continue;
      // No contestant pays for the garbage of another.
      globalThis.gc?.();
      try {
        ofContestant.push(await run(contestant, String(round)));
      } catch (error) {
        if (onFailed === undefined) throw error;
        failed.add(contestant);
        onFailed(contestant, error);
      }
    }
  }
  return results;
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

export function quantile(figures: readonly number[], part: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Speed and cost of one round. */
export interface Rate {
  readonly perSecond: number;
  /** CPU time of the measuring process for each event, in microseconds. */
  readonly cpuUs: number;
  /** Set if the environment variable {@link PROFILE} is. */
  readonly profile?: CpuProfile;
}

/** Environment variable with which `npm run bench:profile` asks the contestants' processes for profiles. */
export const PROFILE = "LATCHKEY_BENCH_PROFILE";

/** Runs `count` tasks, `concurrency` at a time. */
export async function throughput(
  count: number,
  concurrency: number,
  task: (index: number) => Promise<unknown>,
): Promise<Rate> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  return rateDuring(count, () => Promise.all(Array.from({ length: concurrency }, worker)));
}

/** Measures a round that handles `count` events. */
export async function rateDuring(count: number, round: () => Promise<unknown>): Promise<Rate> {
  if (process.env[PROFILE] === undefined) return rateOf(count, round);
  const { result, profile } = await cpuProfileOf(count, () => rateOf(count, round));
  return { ...result, profile };
}

async function rateOf(count: number, round: () => Promise<unknown>): Promise<Rate> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await round();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (count / (performance.now() - startedAt)) * 1_000, cpuUs: (user + system) / count };
}

/** Runs `count` tasks one after the other and returns the duration of each, in microseconds. */
export async function latencies(count: number, task: (index: number) => Promise<unknown>): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await task(index);
    figures.push((performance.now() - startedAt) * 1_000);
  }
  return figures;
}
