import type { Consumer, ConsumerInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { type Clock, delay } from "../../internal/clock.ts";
import type { Auditor } from "./auditor.ts";
import { checkUse } from "./check-use.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import type { FetchLimits } from "./fetcher.ts";
import { isPinned } from "./priority-group.ts";
import type { ServerTime } from "./server-time.ts";
import { settingChanges } from "./setting-change.ts";
import { ackWaitOf, serverMaxDeliver } from "./start-up-check.ts";

/** Pause between two reads of the consumer's configuration, in milliseconds. */
const CHECK_MS = 5_000;
/** The stream of the dead letters is checked at every twelfth read. */
const CHECKS_PER_DEAD_LETTER_CHECK = 12;
/** Time for which a fetch request waits at the server, in milliseconds. */
const REQUEST_MS = 10_000;

export interface SettingsListener {
  /** Called after a change that the consumer obeys. */
  readonly onChanged: (wasRecreated: boolean) => void;
  /** Called when the consumer can no longer be used. */
  readonly onRefused: (findings: readonly ConsumerFinding[]) => void;
}

/**
 * The settings of the consumer as the server last reported them. It reads them again and again: an operator can change a consumer,
 * or delete and create it, while it is in use.
 */
export class LiveSettings {
  /** Stream and consumer. */
  readonly name: string;
  readonly #source: Consumer;
  readonly #options: ResolvedConsumeOptions;
  readonly #auditor: Auditor;
  readonly #clock: Clock;
  readonly #time: ServerTime;
  readonly #listener: SettingsListener;
  #info: ConsumerInfo;
  #reported: ReadonlySet<string>;

  constructor(
    source: Consumer,
    info: ConsumerInfo,
    options: ResolvedConsumeOptions,
    auditor: Auditor,
    clock: Clock,
    time: ServerTime,
    listener: SettingsListener,
  ) {
    this.name = `${info.stream_name}/${info.name}`;
    this.#source = source;
    this.#info = info;
    this.#options = options;
    this.#auditor = auditor;
    this.#clock = clock;
    this.#time = time;
    this.#listener = listener;
    this.#reported = new Set();
  }

  /** The server's shortest wait for an answer before it redelivers a message, in milliseconds. */
  get ackWaitMs(): number {
    return ackWaitOf(this.#info.config).waitMs;
  }

  /** Number of deliveries after which the server drops a message; `Infinity` without a limit. */
  get maxDeliver(): number {
    return serverMaxDeliver(this.#info.config);
  }

  /** Share of `max_ack_pending` that is free for messages, from 0 to 1. */
  get freeShare(): number {
    return freeShareOf(this.#info);
  }

  get fetchLimits(): FetchLimits {
    const { max_expires = 0, max_batch = 0 } = this.#info.config;
    return {
      maxBatch: max_batch > 0 ? max_batch : Number.POSITIVE_INFINITY,
      expiresMs: max_expires > 0 ? Math.min(REQUEST_MS, millis(max_expires)) : REQUEST_MS,
    };
  }

  /** Reports warnings that were not reported yet. */
  report(findings: readonly ConsumerFinding[]): void {
    for (const one of findings) {
      if (!this.#reported.has(one.sentence)) this.#auditor.consumer({ type: "trigger.consumer.warning", finding: one });
    }
    this.#reported = new Set(findings.map(({ sentence }) => sentence));
  }

  /** Reads the configuration until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    for (let read = 1; ; read += 1) {
      await delay(this.#clock, CHECK_MS, [signal]);
      if (signal.aborted) return;
      const info = await this.#read();
      const isDue = read % CHECKS_PER_DEAD_LETTER_CHECK === 0;
      if (info !== undefined) await this.take(info, isDue);
    }
  }

  /** Obeys the settings that the server reported, unless `consume` would refuse to start with them. */
  async take(info: ConsumerInfo, checksAnyway = false): Promise<void> {
    const before = this.#info;
    const changes = settingChanges(before, info);
    const isFull = freeShareOf(info) === 0;
    this.#info = info;
    if (changes.length === 0 && !checksAnyway && !isFull) return;
    const findings = [
      ...(await checkUse(info, this.#options)),
      ...(isPinned(before.config) === isPinned(info.config) ? [] : [otherPolicy(info)]),
      ...(isFull ? [fullWindow(info)] : []),
    ];
    const errors = findings.filter(({ severity }) => severity === "error");
    if (changes.length > 0) this.#auditor.consumer({ type: "trigger.consumer.changed", changes });
    if (errors.length > 0) {
      this.#listener.onRefused(errors);
      return;
    }
    this.report(findings);
    if (changes.length > 0) this.#listener.onChanged(before.created !== info.created);
  }

  /** Returns `undefined` if the server does not answer: the next fetch finds out why. */
  async #read(): Promise<ConsumerInfo | undefined> {
    try {
      return await this.#time.read(() => this.#source.info());
    } catch {
      return undefined;
    }
  }
}

function freeShareOf({ config, num_ack_pending }: ConsumerInfo): number {
  const { max_ack_pending = -1 } = config;
  return max_ack_pending > 0 ? Math.max(0, 1 - num_ack_pending / max_ack_pending) : 1;
}

/** Pinned clients request messages in another way, which is chosen at the start. */
function otherPolicy({ config }: ConsumerInfo): ConsumerFinding {
  const problem = `the consumer was created again with the \`priority_policy\` \`${config.priority_policy ?? "none"}\``;
  return finding("error", "priority_policy", problem, "call `consume` again");
}

function fullWindow({ config }: ConsumerInfo): ConsumerFinding {
  const problem = `\`max_ack_pending\` of ${config.max_ack_pending} is reached, so new messages wait until messages that are delayed or in progress end; delays are shortened until then`;
  return finding("warning", "max_ack_pending", problem, "find out why dispatches fail, or raise `max_ack_pending`");
}
