/** How long each of `rounds` runs took, in milliseconds; the contestants take turns, so that what disturbs one disturbs all. */
export async function takeTurns<Name extends string>(
  contestants: Readonly<Record<Name, (round: number) => Promise<number>>>,
  rounds: number,
): Promise<ReadonlyMap<Name, readonly number[]>> {
  const figures = new Map<Name, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const name of namesOf(contestants)) {
      const figure = await contestants[name](round);
      figures.set(name, [...(figures.get(name) ?? []), figure]);
    }
  }
  return figures;
}

function namesOf<Name extends string>(contestants: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(contestants).filter((name): name is Name => name in contestants);
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

/** One line of the result: what was measured, and against what. */
export interface Row {
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  /** The lowest and the highest of the rounds. */
  readonly spread: readonly [number, number];
  /** The ratio that counts, and what it should reach. */
  readonly ratio?: { readonly of: string; readonly is: number; readonly goal: string };
}

export function rowOf(what: string, unit: string, figures: readonly number[], ratio?: Row["ratio"]): Row {
  const spread = [Math.min(...figures), Math.max(...figures)] as const;
  return { what, unit, figure: median(figures), spread, ...(ratio === undefined ? {} : { ratio }) };
}
