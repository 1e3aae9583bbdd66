import { randomBytes } from "node:crypto";
import type { Deduplicator } from "../../deduplicator.ts";
import { TraceRecorder } from "../trace/recorder.ts";
import { tracer } from "../trace/trace-event.ts";
import { AuthGuard } from "./auth-guard.ts";
import { type Handler, inspectorHandler } from "./handler.ts";
import { Heartbeat } from "./heartbeat.ts";
import { isLoopback } from "./hosts.ts";
import type { ResolvedInspectorOptions } from "./options.ts";
import type { Page } from "./page-file.ts";
import { Redaction } from "./redaction.ts";
import { StoreWatch } from "./store-watch.ts";
import type { SourceInfo } from "./wire.ts";

/** How often a page is told what is new. */
const TOLD_EVERY_MS = 250;
/** How often leases that ended are looked for. */
const LOOK_EVERY_MS = 1_000;

/** Records what happens and answers requests about it; the socket is somebody else's matter. */
export class LiveInspector {
  readonly handler: Handler;
  readonly token: string;
  readonly #options: ResolvedInspectorOptions;
  readonly #recorder = new TraceRecorder();
  readonly #closing = new AbortController();
  readonly #attached = new Map<Deduplicator, () => void>();
  readonly #watch: StoreWatch | undefined;
  readonly #watching: Promise<void> | undefined;
  #stopLooking = (): void => {};

  constructor(options: ResolvedInspectorOptions, page: Page) {
    const { dedup, keeper, host, clock, redact } = options;
    this.#options = options;
    this.token = options.token ?? randomBytes(24).toString("base64url");
    this.#watch = this.#watchOfStore();
    if (dedup !== undefined) this.attach(dedup);
    this.#watching = this.#watch?.run();
    this.#look();
    this.handler = inspectorHandler({
      recording: {
        recorder: this.#recorder,
        redaction: new Redaction(redact),
        source: this.#source(),
        epoch: randomBytes(6).toString("hex"),
        trouble: () => this.#watch?.trouble ?? "",
        nowMs: () => clock.wallMs(),
      },
      keeper,
      gate: new AuthGuard({ host, token: this.token }),
      page,
      pulse: new Heartbeat(clock, TOLD_EVERY_MS),
      clock,
      signal: this.#closing.signal,
      willRemove: (storeKey) => this.#watch?.forget(storeKey),
    });
  }

  /** Whether there is anything that nobody may see or do without the token. */
  get needsToken(): boolean {
    return !isLoopback(this.#options.host) || this.#source().canChange;
  }

  /** Shows every step of the deduplicator from now on, until the returned function is called. */
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
      dedup.subscribe((step) => this.#recorder.record(traced(step))),
    );
    return detach;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopLooking();
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
    await this.#watching;
  }

  #source(): SourceInfo {
    const { name, readOnly, keeper, skewMs, store } = this.#options;
    return {
      sees: store === undefined ? "process" : "cluster",
      name,
      canChange: !readOnly && keeper.canRemove,
      skewMs,
      bucketMs: this.#recorder.series.bucketMs,
    };
  }

  #watchOfStore(): StoreWatch | undefined {
    const { store, clock } = this.#options;
    if (store === undefined) return undefined;
    return new StoreWatch({
      store,
      recorder: this.#recorder,
      clock,
      tellsItself: (replica) => [...this.#attached.keys()].some(({ owner }) => owner === replica),
      signal: this.#closing.signal,
    });
  }

  #look(): void {
    const { clock, skewMs } = this.#options;
    this.#stopLooking = clock.schedule(LOOK_EVERY_MS, () => {
      this.#recorder.noteLapsed(clock.wallMs(), skewMs);
      this.#look();
    });
  }
}
