/** Result of one step. Items that are left stay as they are, which is no failure. */
export type StepResult =
  | { readonly ok: true; readonly done: number; readonly left: number; readonly note: string }
  | { readonly ok: false; readonly message: string };

/** An action on one or more items that waits for confirmation. */
export interface BulkAction {
  readonly title: string;
  readonly verb: string;
  /** Past participle of the verb, such as "cleared". */
  readonly done: string;
  readonly consequences: readonly string[];
  /** Number of items. */
  readonly size: number;
  /** Each step changes one or more items. */
  readonly steps: ReadonlyArray<() => Promise<StepResult>>;
  /** Number of steps that may run at a time. */
  readonly atOnce: number;
}

export interface BulkProgress {
  readonly done: number;
  readonly left: number;
  /** Reasons why items were left, each once. */
  readonly notes: readonly string[];
  /** Set by the first failure, which ends the action. */
  readonly failure: string;
}

export const NO_PROGRESS: BulkProgress = { done: 0, left: 0, notes: [], failure: "" };

/**
 * Runs the steps in their order until one fails or the signal aborts, and reports the progress after each. Resolves once no step runs
 * any more.
 */
export async function runBulk(
  { steps, atOnce }: Pick<BulkAction, "steps" | "atOnce">,
  signal: AbortSignal,
  onProgress: (progress: BulkProgress) => void,
): Promise<void> {
  let progress = NO_PROGRESS;
  const remaining = [...steps];
  const runSteps = async (): Promise<void> => {
    while (!signal.aborted && progress.failure === "") {
      const step = remaining.shift();
      if (step === undefined) return;
      const result = await step();
      progress = withResult(progress, result);
      onProgress(progress);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runSteps));
}

function withResult(progress: BulkProgress, result: StepResult): BulkProgress {
  if (!result.ok) return { ...progress, failure: result.message };
  const { done, left, note } = result;
  const isNew = left > 0 && !progress.notes.includes(note);
  return {
    ...progress,
    done: progress.done + done,
    left: progress.left + left,
    notes: isNew ? [...progress.notes, note] : progress.notes,
  };
}
