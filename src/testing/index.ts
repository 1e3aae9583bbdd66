export type { Answer, History, HistoryLine, Seen, SeenLine } from "../history.ts";
export { formatHistory, parseHistory } from "../history-text.ts";
export type { Checked, CheckOptions, FastCheck } from "./check-handler.ts";
export { checkHandler } from "./check-handler.ts";
export type { Guarantee, Violation } from "./check-history.ts";
export { checkHistory } from "./check-history.ts";
export { CounterexampleError, NotRepeatableError } from "./counterexample.ts";
export type { Exhausted, ExhaustOptions } from "./exhaust.ts";
export { exhaust } from "./exhaust.ts";
export type {
  Delivery,
  EffectOptions,
  HandleDelivery,
  HandlerUnderTest,
  Replica,
  Reply,
  RunEffect,
} from "./handler.ts";
export type { Kv, KvEntry, KvHow, KvPut } from "./kv.ts";
export type { Ending, Sent } from "./operations.ts";
export type { KnownToEffect, Recorder, RecorderOptions } from "./recorder.ts";
export { recordHistory } from "./recorder.ts";
export { replay } from "./replay.ts";
export type { Broken, Run } from "./run.ts";
export type { Faults, InWorld, Scope } from "./scope.ts";
export type { SimulatedStore } from "./simulated-store.ts";
export { simulatedStore } from "./simulated-store.ts";
export type { OptionalMethod, StoreUnderTest } from "./store-contract/fixture.ts";
export type { StoreContractOptions } from "./store-contract/store-contract.ts";
export { storeContract } from "./store-contract/store-contract.ts";
export type { StoreHistoryOptions, StoreViolation } from "./store-history.ts";
export { checkStoreHistory } from "./store-history.ts";
export { UncontrolledError } from "./uncontrolled.ts";
