export type { Audit, AuditType, ConsumerAudit, MessageAudit } from "./consumer/audit.ts";
export { consume } from "./consumer/consume.ts";
export type {
  Backoff,
  ConsumeOptions,
  Dispatch,
  DispatchContext,
  DuplicateMessage,
} from "./consumer/consume-options.ts";
export type { ConsumerFinding } from "./consumer/consumer-finding.ts";
export type { DeadLetterOptions } from "./consumer/dead-letter.ts";
export type { Identify, Unidentifiable } from "./consumer/identify.ts";
export { identifyEvent } from "./consumer/identify.ts";
export type { PriorityGroup } from "./consumer/priority-group.ts";
export type { ReceivedMessage } from "./consumer/received-message.ts";
export type { RunningConsumer } from "./consumer/running-consumer.ts";
export type { ScheduledRetriesOptions } from "./consumer/scheduled-retry.ts";
export type { SettingChange } from "./consumer/setting-change.ts";
export type { ConsumerUse } from "./consumer/start-up-check.ts";
export { ConsumerMisconfiguredError, checkConsumer } from "./consumer/start-up-check.ts";
export type { DeadLettersOptions } from "./dead-letters/dead-letters.ts";
export { deadLetters } from "./dead-letters/dead-letters.ts";
export type { NatsStore } from "./kv/bucket-store.ts";
export { natsStore } from "./kv/nats-store.ts";
export type { NatsStoreOptions, StoreWarning } from "./kv/store-options.ts";
export type { PublishedOnce, PublishOnceOptions } from "./publish-once.ts";
export { publishOnce } from "./publish-once.ts";
