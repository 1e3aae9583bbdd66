export type { HeaderReader, HeaderWriter, Telemetry, TracedDelivery, TracedOutcome } from "../model/telemetry.ts";
export type { InstrumentedTelemetry, InstrumentOptions } from "./instrument.ts";
export { instrument } from "./instrument.ts";
export type { StoreUsage } from "./store-usage.ts";
