import { randomBytes } from "node:crypto";
import type { Deduplicator } from "../../deduplicator.ts";
import { tracer } from "../trace/trace-event.ts";
import { TraceRecorder } from "../trace/trace-recorder.ts";
import { AuthGuard } from "./auth-guard.ts";
import { type Handler, inspectorHandler } from "./handler.ts";
import { Heartbeat } from "./heartbeat.ts";
import { isLoopback } from "./hosts.ts";
import type { ResolvedInspectorOptions } from "./options.ts";
import type { Page } from "./page-file.ts";
import { Redaction } from "./redaction.ts";
import { StoreWatch } from "./store-watch.ts";
import type { SourceInfo } from "./wire.ts";

/** Interval between messages of a feed. */
const HEARTBEAT_MS = 250;
/** Interval between checks for lapsed leases. */
const LAPSE_CHECK_MS = 1_000;

/** Records trace events and answers requests about them, without a socket. */
export class LiveInspector {
  readonly handler: Handler;
  readonly token: string;
  readonly #options: ResolvedInspectorOptions;
  readonly #recorder = new TraceRecorder();
  readonly #closing = new AbortController();
  readonly #attached = new Map<Deduplicator, () => void>();
  readonly #watch: StoreWatch | undefined;
  readonly #watching: Promise<void> | undefined;
  #cancelLapseCheck = (): void => {};

  constructor(options: ResolvedInspectorOptions, page: Page) {
    const { dedup, keyAdmin, host, clock, redact } = options;
    this.#options = options;
    this.token = options.token ?? randomBytes(24).toString("base64url");
    this.#watch = this.#createStoreWatch();
    if (dedup !== undefined) this.attach(dedup);
    this.#watching = this.#watch?.run();
    this.#scheduleLapseCheck();
    this.handler = inspectorHandler({
      recording: {
        recorder: this.#recorder,
        redaction: new Redaction(redact),
        source: this.#source(),
        epoch: randomBytes(6).toString("hex"),
        trouble: () => this.#watch?.trouble ?? "",
        nowMs: () => clock.wallMs(),
      },
      keyAdmin,
      authGuard: new AuthGuard({ host, token: this.token }),
      page,
      heartbeat: new Heartbeat(clock, HEARTBEAT_MS),
      clock,
      signal: this.#closing.signal,
      willRemove: (storeKey) => this.#watch?.forget(storeKey),
    });
  }

  /** Whether any request needs the token. */
  get needsToken(): boolean {
    return !isLoopback(this.#options.host) || this.#source().canChange;
  }

  /** Records the events of a deduplicator until the returned function is called. */
  attach(dedup: Deduplicator): () => void {
    const detach = (): void => {
      this.#attached.get(dedup)?.();
      this.#attached.delete(dedup);
    };
    detach();
    if (this.#closing.signal.aborted) return detach;
    const traced = tracer(dedup.owner);
    this.#attached.set(
      dedup,
      dedup.subscribe((event) => this.#recorder.record(traced(event))),
    );
    return detach;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelLapseCheck();
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
    await this.#watching;
  }

  #source(): SourceInfo {
    const { name, readOnly, keyAdmin, skewMs, store } = this.#options;
    return {
      sees: store === undefined ? "process" : "cluster",
      name,
      canChange: !readOnly && keyAdmin.canRemove,
      skewMs,
      bucketMs: this.#recorder.series.bucketMs,
    };
  }

  #createStoreWatch(): StoreWatch | undefined {
    const { store, clock } = this.#options;
    if (store === undefined) return undefined;
    return new StoreWatch({
      store,
      recorder: this.#recorder,
      clock,
      isAttached: (replica) => [...this.#attached.keys()].some(({ owner }) => owner === replica),
      signal: this.#closing.signal,
    });
  }

  #scheduleLapseCheck(): void {
    const { clock, skewMs } = this.#options;
    this.#cancelLapseCheck = clock.schedule(LAPSE_CHECK_MS, () => {
      this.#recorder.recordLapsed(clock.wallMs(), skewMs);
      this.#scheduleLapseCheck();
    });
  }
}
