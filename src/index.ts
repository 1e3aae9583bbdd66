export type { Clock } from "./clock.ts";
export { systemClock } from "./clock.ts";
export type { CommitOutcome, CommitReport, Decision, Duplicate, Outcome, Pending, Reservation } from "./decision.ts";
export type { ClearFilter, Handler } from "./deduplicator.ts";
export { Deduplicator } from "./deduplicator.ts";
export { optionsFromEnv } from "./env.ts";
export type { ErrorCode, LossReason } from "./errors.ts";
export {
  FingerprintMismatchError,
  LatchkeyError,
  PermanentError,
  RecordUnreadableError,
  ReservationLostError,
  ResultNotKeptError,
  StoreMisconfiguredError,
  StoreUnavailableError,
} from "./errors.ts";
export type { Inspector } from "./inspector.ts";
export type { DedupKey, Identity, KeyFilter, ResolvedIdentity, StoreKey } from "./key.ts";
export { dedupKey, keyMatcher, parseStoreKey } from "./key.ts";
export type { MemoryStoreOptions } from "./memory-store.ts";
export { memoryStore } from "./memory-store.ts";
export type { DeduplicatorOptions, ReserveOptions } from "./options.ts";
export type { CommitRecord, DedupRecord, Fence, ReservationRecord } from "./record.ts";
export { decodeRecord, encodeRecord } from "./record.ts";
export type { Step, StepType } from "./step.ts";
export type { Change, Clears, Entry, Put, Removal, Revision, Store } from "./store.ts";
