export type { Answer, History, HistoryLine, Seen, SeenLine } from "../history/history.ts";
export { formatHistory, parseHistory } from "../history/history-text.ts";
export type { Guarantee, Violation } from "./judge/check-history.ts";
export { checkHistory } from "./judge/check-history.ts";
export type { StoreHistoryOptions, StoreViolation } from "./judge/store-history.ts";
export { checkStoreHistory } from "./judge/store-history.ts";
export type { Ending, Sent } from "./record/operations.ts";
export type { HistoryRecorder, KnownToEffect, RecorderOptions } from "./record/recorder.ts";
export { recordHistory } from "./record/recorder.ts";
export { CounterexampleError, NotRepeatableError } from "./report/counterexample.ts";
export type { Broken, Run } from "./report/run.ts";
export type { Checked, CheckOptions, FastCheck } from "./search/check-handler.ts";
export { checkHandler } from "./search/check-handler.ts";
export type { Exhausted, ExhaustOptions } from "./search/exhaust.ts";
export { exhaust } from "./search/exhaust.ts";
export { replay } from "./search/replay.ts";
export type {
  Delivery,
  EffectOptions,
  HandleDelivery,
  HandlerUnderTest,
  Replica,
  Reply,
  RunEffect,
} from "./sim/handler.ts";
export type { Kv, KvEntry, KvHow, KvPut } from "./sim/kv.ts";
export type { Faults, InWorld, Scope } from "./sim/scope.ts";
export type { SimulatedStore } from "./sim/simulated-store.ts";
export { simulatedStore } from "./sim/simulated-store.ts";
export { UncontrolledError } from "./sim/uncontrolled.ts";
export type { OptionalMethod, StoreUnderTest } from "./store-contract/fixture.ts";
export type { StoreContractOptions } from "./store-contract/store-contract.ts";
export { storeContract } from "./store-contract/store-contract.ts";
