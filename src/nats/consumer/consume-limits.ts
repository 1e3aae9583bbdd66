// Limits and defaults of `consume`. The command line reads them before it loads a client of NATS.

/** Enough to hide the latency of an endpoint, and few enough not to flood one. */
export const DEFAULT_CONCURRENCY = 10;
/** Ten times the server's default `max_ack_pending`. A higher number is a mistake more often than a wish. */
export const MAX_CONCURRENCY = 10_000;
/** With the default backoff, a message is tried for about four minutes before it becomes a dead letter. */
export const DEFAULT_MAX_DELIVER = 10;
