import { randomBytes } from "node:crypto";
import type { Deduplicator } from "../../deduplicator.ts";
import { resolveIdentity } from "../../model/identity.ts";
import { tracer } from "../trace/trace-event.ts";
import { TraceRecorder } from "../trace/trace-recorder.ts";
import { AuthGuard } from "./auth-guard.ts";
import { type RequestHandler, requestHandler } from "./handler.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Access, ResolvedInspectedOptions } from "./options.ts";
import type { PageFile } from "./page-file.ts";
import { Redaction } from "./redaction.ts";
import { StoreMonitor } from "./store-monitor.ts";
import { StoreWatch } from "./store-watch.ts";
import type { SourceInfo } from "./wire.ts";

/** Interval between messages of a feed. */
const HEARTBEAT_MS = 250;
/** Interval between conclusions from the passage of time. */
const ASSESSMENT_INTERVAL_MS = 1_000;
/** The key that probes read. It stays empty unless a service uses this name. */
const PROBED = resolveIdentity({ workspaceId: "latchkey", subscriptionId: "inspector", eventId: "store-health" });

/** Records trace events and answers requests about them, without a socket. */
export class LiveInspector {
  readonly handler: RequestHandler;
  readonly token: string;
  readonly #options: ResolvedInspectedOptions;
  readonly #recorder = new TraceRecorder();
  readonly #closing = new AbortController();
  readonly #attached = new Map<Deduplicator, () => void>();
  readonly #monitor: StoreMonitor;
  readonly #watch: StoreWatch | undefined;
  readonly #running: Promise<unknown>;
  #cancelAssessment = (): void => {};

  readonly #authGuard: AuthGuard;
  readonly #isLocal: boolean;

  constructor(options: ResolvedInspectedOptions, access: Access, page: PageFile | Promise<PageFile>) {
    const { dedup, keyAdmin, clock, redact, deadLetters } = options;
    this.#options = options;
    this.token = access.token ?? randomBytes(24).toString("base64url");
    this.#authGuard = new AuthGuard({ ...access, token: this.token });
    this.#isLocal = access.isLocal;
    this.#monitor = new StoreMonitor({
      probe: () => keyAdmin.get(PROBED),
      clock,
      signal: this.#closing.signal,
      onRecovery: () => this.#watch?.restart(),
    });
    this.#watch = this.#createStoreWatch();
    if (dedup !== undefined) this.attach(dedup);
    this.#running = Promise.all([this.#monitor.run(), this.#watch?.run() ?? Promise.resolve()]);
    this.#scheduleAssessment();
    this.handler = requestHandler({
      recording: {
        recorder: this.#recorder,
        redaction: new Redaction(redact),
        source: this.#source(),
        recordingId: randomBytes(6).toString("hex"),
        store: () => this.#monitor.health,
        nowMs: () => clock.wallMs(),
      },
      keyAdmin,
      authGuard: this.#authGuard,
      page,
      heartbeat: new Heartbeat(clock, HEARTBEAT_MS),
      clock,
      signal: this.#closing.signal,
      basePath: access.basePath,
      deadLetters,
      willRemove: (storeKey) => this.#watch?.forget(storeKey),
    });
  }

  /** True if requests need the token. */
  get needsToken(): boolean {
    return this.#authGuard.needsToken && (!this.#isLocal || this.#source().canChange);
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
    this.#cancelAssessment();
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
    await this.#running;
  }

  #source(): SourceInfo {
    const { name, readOnly, keyAdmin, skewMs, store, links, deadLetters } = this.#options;
    return {
      sees: store === undefined ? "process" : "cluster",
      name,
      canChange: !readOnly && keyAdmin.canRemove,
      needsToken: this.#authGuard.needsToken,
      hasDeadLetters: deadLetters !== undefined,
      links,
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
      onWatch: (failure) => this.#monitor.setWatchFailure(failure),
      signal: this.#closing.signal,
    });
  }

  /** Schedules the next assessment. Silence proves nothing while the store is unavailable, or until it was listed again. */
  #scheduleAssessment(): void {
    const { clock, skewMs } = this.#options;
    this.#cancelAssessment = clock.schedule(ASSESSMENT_INTERVAL_MS, () => {
      const isKnown = this.#monitor.health.state === "available" && this.#watch?.isCurrent !== false;
      if (isKnown) this.#recorder.assess({ nowMs: clock.wallMs(), skewMs });
      this.#scheduleAssessment();
    });
  }
}
