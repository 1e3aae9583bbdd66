export type { ClearFilter, Handler } from "./deduplicator.ts";
export { Deduplicator } from "./deduplicator.ts";
export type { Environment } from "./env.ts";
export { maxAttemptsFromEnv, optionsFromEnv } from "./env.ts";
export type { ErrorCode, LossReason } from "./errors.ts";
export {
  FingerprintMismatchError,
  LatchkeyError,
  PermanentError,
  RecordTooLargeError,
  RecordUnreadableError,
  ReservationLostError,
  ResultNotKeptError,
  StoreForbiddenError,
  StoreMisconfiguredError,
  StoreUnavailableError,
} from "./errors.ts";
export type { IdempotentOptions } from "./idempotent.ts";
export { CallPendingError, idempotent } from "./idempotent.ts";
export type { Clock } from "./internal/clock.ts";
export { systemClock } from "./internal/clock.ts";
export type {
  DeadLetter,
  DeadLetters,
  OriginalMessage,
  RedriveRefusal,
  RedriveResult,
} from "./model/dead-letter.ts";
export type {
  CommitOutcome,
  CommitReport,
  Decision,
  Duplicate,
  Outcome,
  Pending,
  Reservation,
} from "./model/decision.ts";
export type { DedupKey } from "./model/dedup-key.ts";
export type { DedupEvent, DedupEventType } from "./model/event.ts";
export type { DispatchFailure } from "./model/failure.ts";
export type {
  IdFields,
  IdSelector,
  MessageFields,
  MessageIdSelector,
  SelectedId,
} from "./model/identify/id-selector.ts";
export { byHeader, byPointer, firstOf } from "./model/identify/id-selector.ts";
export type { Identity, KeyFilter, ResolvedIdentity, StoreKey } from "./model/identity.ts";
export { dedupKey, keyMatcher, parseStoreKey } from "./model/identity.ts";
export type { Measurement, Operation } from "./model/measurement.ts";
export type { CommitRecord, DedupRecord, Fence, ReservationRecord } from "./model/record.ts";
export { decodeRecord, encodeRecord } from "./model/record.ts";
export type { CacheInvalidation, Change, Entry, Put, Removal, Revision, Store } from "./model/store.ts";
export type { DeduplicatorOptions, ReserveOptions } from "./options.ts";
export type { Inspection, InspectionObserver } from "./statechart/inspection.ts";
export type { MemoryStoreOptions } from "./stores/memory-store.ts";
export { memoryStore } from "./stores/memory-store.ts";
