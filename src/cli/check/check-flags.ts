export interface CheckFlags {
  readonly runs?: number;
  readonly seed?: number;
  readonly events?: number;
  readonly exhaust?: boolean;
  readonly preemptions?: number;
  readonly replay?: string;
  readonly output?: string;
  readonly json?: boolean;
}

export const DEFAULT_RUNS = 1_000;
