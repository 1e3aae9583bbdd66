/** What each of the contestants did in each round; they take turns, so that what disturbs one disturbs all. */
export async function takeTurns<Contestant, Result>(
  contestants: readonly Contestant[],
  rounds: number,
  run: (contestant: Contestant, round: string) => Promise<Result>,
): Promise<ReadonlyMap<Contestant, readonly Result[]>> {
  const results = new Map<Contestant, Result[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [contestant, before] of results) {
      // Nobody pays for what another left behind.
      globalThis.gc?.();
      before.push(await run(contestant, String(round)));
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

/** Runs `count` tasks, `concurrency` at a time, and says how many were done in a second. */
export async function perSecond(
  count: number,
  concurrency: number,
  task: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (count / (performance.now() - startedAt)) * 1_000;
}

/** How long each of `count` tasks took, one after the other, in microseconds. */
export async function latencies(count: number, task: (index: number) => Promise<unknown>): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await task(index);
    figures.push((performance.now() - startedAt) * 1_000);
  }
  return figures;
}
