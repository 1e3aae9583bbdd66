/** Examples whose READMEs need a NATS server. */
export const NEED_NATS = [
  "cron-once",
  "dead-letters",
  "nest-microservice",
  "trigger-service",
  "webhook-service",
] as const;

/** Examples whose READMEs need a PostgreSQL server. */
export const NEED_POSTGRES = ["payment"] as const;

/** Examples that other tests run, because they need another runtime or the built package. */
export const RUN_ELSEWHERE = ["webhook-bun", "webhook-deno", "test-your-handler", "test-express", "test-nest"] as const;
