export interface CheckFlags {
  readonly runs?: number;
  readonly seed?: number;
  readonly events?: number;
  readonly exhaust?: boolean;
  readonly preemptions?: number;
  readonly replay?: string;
  readonly output?: string;
  /** Serve the page of the inspector with the run that breaks something. */
  readonly open?: boolean;
  readonly json?: boolean;
}

export const DEFAULT_RUNS = 1_000;
export const DEFAULT_PREEMPTIONS = 2;
