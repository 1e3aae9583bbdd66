export type { Audit, AuditType, ConsumerAudit, MessageAudit } from "./audit.ts";
export type { RunningConsumer } from "./consume.ts";
export { consume } from "./consume.ts";
export type { Backoff, ConsumeOptions, Dispatch, DispatchContext } from "./consume-options.ts";
export type { DeadLetterOptions } from "./dead-letter.ts";
export type { Identify, ReceivedMessage, Unidentifiable } from "./identify.ts";
export { identifyEvent } from "./identify.ts";
export type { ConsumerUse, Finding } from "./start-up-check.ts";
export { ConsumerMisconfiguredError, checkConsumer } from "./start-up-check.ts";
