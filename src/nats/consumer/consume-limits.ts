/** Limits and defaults of `consume`. The command line reads them before it loads a client of NATS. */
export const DEFAULT_CONCURRENCY = 10;
export const MAX_CONCURRENCY = 10_000;
export const DEFAULT_MAX_DELIVER = 10;
