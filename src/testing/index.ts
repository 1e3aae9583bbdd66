export type { Answer, History, HistoryLine, RecordedViolation, Seen, SeenLine } from "../history/history.ts";
export { formatHistory, parseHistory } from "../history/history-text.ts";
export { checkHistory } from "./judge/check-history.ts";
export type { StoreHistoryOptions, StoreViolation } from "./judge/store-history.ts";
export { checkStoreHistory } from "./judge/store-history.ts";
export type { Guarantee, Violation } from "./judge/violation.ts";
export type { HistoryRecorder, RecordedReservation } from "./record/history-recorder.ts";
export type { OperationRequest, OperationResult } from "./record/operations.ts";
export type { RecorderOptions } from "./record/recorder.ts";
export { recordHistory } from "./record/recorder.ts";
export { CounterexampleError, NotRepeatableError } from "./report/counterexample.ts";
export type { Run } from "./report/run.ts";
export type { RunViolation } from "./report/run-violation.ts";
export type { CheckOptions, CheckResult } from "./search/check-handler.ts";
export { checkHandler } from "./search/check-handler.ts";
export type { ExhaustOptions, ExhaustResult } from "./search/exhaust.ts";
export { exhaust } from "./search/exhaust.ts";
export type { FastCheck } from "./search/random-search.ts";
export { replay } from "./search/replay.ts";
export type {
  Delivery,
  EffectOptions,
  HandleDelivery,
  HandlerSetup,
  HandlerUnderTest,
  MessageContent,
  Replica,
  Reply,
  RunEffect,
  RunEffectOnce,
} from "./sim/handler.ts";
export type { Kv, KvEntry, KvHow, KvPut } from "./sim/kv.ts";
export type { Faults, Scope, WorldOptions } from "./sim/scope.ts";
export type { SimulatedStore } from "./sim/simulated-store.ts";
export { simulatedStore } from "./sim/simulated-store.ts";
export { TooManyStepsError } from "./sim/too-many-steps-error.ts";
export { UncontrolledError } from "./sim/uncontrolled-error.ts";
export type { OptionalMethod, StoreUnderTest } from "./store-contract/fixture.ts";
export type { StoreContractOptions } from "./store-contract/store-contract.ts";
export { storeContract } from "./store-contract/store-contract.ts";
