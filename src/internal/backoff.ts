/** Exponential backoff: the pause doubles with every retry. */
export interface BackoffRange {
  /** Pause before the first retry, in milliseconds. */
  readonly firstMs: number;
  /** Maximum pause, in milliseconds. */
  readonly longestMs: number;
}

/** Returns the pause before retry number `retry`, which counts from 1, in milliseconds. */
export function backoffMs(retry: number, { firstMs, longestMs }: BackoffRange): number {
  return Math.min(longestMs, firstMs * 2 ** (retry - 1));
}
