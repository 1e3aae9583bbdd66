export type { DeleteExpiredEffectsOptions } from "./delete-expired-effects.ts";
export { deleteExpiredEffects } from "./delete-expired-effects.ts";
export type { EffectOnceOptions, EffectReservation } from "./effect-once.ts";
export { effectOnce } from "./effect-once.ts";
export { FencedError } from "./fenced-error.ts";
export type { SchemaOptions } from "./schema.ts";
export { schemaSql } from "./schema.ts";
export type { QueryClient, SqlClient, SqlValue, UnsafeClient } from "./sql.ts";
