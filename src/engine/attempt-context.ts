import { type DedupKeyContext, type Phase, phaseOf } from "../../machines/dedup-key.ts";
import type { dedupKeyMachine } from "../../machines/index.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { MachineActor } from "../statechart/bind-actions.ts";
import type { EngineContext } from "./engine-context.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";
import { type AttemptDetail, StageTimes } from "./stage-times.ts";

/** State that the parts of one attempt share: its event, its options and its actor. */
export class AttemptContext {
  readonly engine: EngineContext;
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly actor: MachineActor<typeof dedupKeyMachine>;
  readonly startedAtMs: number;
  /** Absent while nothing is measured. */
  #times: StageTimes | undefined;

  constructor(
    engine: EngineContext,
    identity: ResolvedIdentity,
    how: ResolvedReserveOptions,
    actor: MachineActor<typeof dedupKeyMachine>,
    startedAtMs: number,
  ) {
    this.engine = engine;
    this.identity = identity;
    this.how = how;
    this.actor = actor;
    this.startedAtMs = startedAtMs;
  }

  get phase(): Phase {
    return phaseOf(this.actor.getSnapshot().value);
  }

  /** Reports an event to the listeners. Actions pass their own context, because the snapshot is still the one before. */
  report(detail: AttemptDetail, context?: DedupKeyContext): void {
    const { listeners, meters, options } = this.engine;
    if (listeners.isEmpty && meters.isEmpty) return;
    const { nowMs } = this.engine;
    if (!meters.isEmpty) {
      this.#times ??= new StageTimes(this.startedAtMs);
      meters.call(this.#times.measure(detail, nowMs));
    }
    if (listeners.isEmpty) return;
    const durationMs = nowMs - this.startedAtMs;
    listeners.report(this.identity, detail, options.owner, context ?? this.actor.getSnapshot().context, durationMs);
  }
}
