import type { SeenLine } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import type { Guarantee, Violation } from "./check-history.ts";
import type { Placed } from "./history-order.ts";
import type { Write } from "./known-writes.ts";

type Line<Type extends SeenLine["type"]> = Extract<SeenLine, { type: Type }>;
type Report = (guarantee: Guarantee, why: string) => void;

/** An effect that has begun and not ended. */
interface Running {
  readonly began: Line<"effect.began">;
  readonly number: number;
  isTold: boolean;
}

/** What is known of one event, up to a line. */
class Life {
  readonly running = new Map<string, Running>();
  /** The effect with the highest fence so far. */
  newest: Line<"effect.began"> | undefined;
  /** The lowest fence with which each process began an effect. */
  readonly fences = new Map<string, number>();
  /** The names of the effects that were begun, and whether one of that name has succeeded. */
  readonly succeeded = new Map<string, boolean>();
  /** The deliveries without an answer, and whether the effect of each has failed. */
  readonly deliveries = new Map<string, { readonly process: string; effectFailed: boolean }>();
  /** The line that acknowledged it first. */
  acknowledged: number | undefined;
  /** Who was told that its commit is the one that counts. */
  committer: string | undefined;
}

/** Judges what processes did, line by line. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #writes: ReadonlyMap<string, readonly Write[]>;
  readonly #removals = new Map<Placed, { readonly event: string; readonly write: Write }>();
  readonly #lives = new Map<string, Life>();
  readonly #frozenAt = new Map<string, number>();
  readonly #deliveredAt = new Map<string, number>();
  /** The processes and the revisions that their store told them of. */
  readonly #toldOf = new Set<string>();
  #isForgetful = false;

  constructor(writes: ReadonlyMap<string, readonly Write[]>) {
    this.#writes = writes;
    for (const [event, held] of writes) {
      for (const write of held) {
        if (write.removed !== undefined) this.#removals.set(write.removed.shown, { event, write });
      }
    }
  }

  read(placed: Placed): void {
    const { line, number, place } = placed;
    const broken: Report = (guarantee, why) => this.violations.push({ guarantee, line: number, why });
    switch (line.type) {
      case "fault":
        if (line.fault === "amnesia") this.#isForgetful = true;
        return;
      case "frozen":
        this.#frozenAt.set(line.process, place);
        return;
      case "died":
        this.#died(line.process);
        return;
      case "delivered": {
        const life = this.#lifeOf(line.event);
        life.deliveries.set(deliveryOf(line), { process: line.process, effectFailed: false });
        this.#deliveredAt.set(`${line.process} ${line.event}`, place);
        return;
      }
      case "answered":
        this.#answered(line, placed, broken);
        return;
      case "effect.began":
        this.#began(line, placed, broken);
        return;
      case "effect.told": {
        const effect = this.#lifeOf(line.event).running.get(effectOf(line));
        if (effect !== undefined) effect.isTold = true;
        return;
      }
      case "effect.looked":
        this.#looked(line, broken);
        return;
      case "effect.ended":
        this.#ended(line);
        return;
      case "settled":
        this.#settled(line, broken);
        return;
      case "ok":
      case "fail":
        this.#toldOf.add(`${line.process} ${line.revision ?? 0}`);
        this.#removed(placed, broken);
        return;
      case "store.removed":
        this.#removed(placed, broken);
        return;
      case "invoke":
      case "unknown":
      case "store.held":
        return;
    }
  }

  #lifeOf(event: string): Life {
    const life = this.#lives.get(event) ?? new Life();
    this.#lives.set(event, life);
    return life;
  }

  /** Whether nothing may rest on the process's being told in time. */
  #isExcused(process: string, event: string): boolean {
    const frozenAt = this.#frozenAt.get(process) ?? -1;
    return this.#isForgetful || frozenAt > (this.#deliveredAt.get(`${process} ${event}`) ?? -1);
  }

  #died(process: string): void {
    for (const life of this.#lives.values()) {
      for (const [effect, { began }] of life.running) if (began.process === process) life.running.delete(effect);
      for (const [id, delivery] of life.deliveries) if (delivery.process === process) life.deliveries.delete(id);
    }
  }

  /** Whoever begins must be the only one that was not told to stop, must be newer than all before, and not come too late. */
  #began(line: Line<"effect.began">, { number, place }: Placed, broken: Report): void {
    const life = this.#lifeOf(line.event);
    const { event, name, fence } = line;
    const what = `${name} of ${event}`;
    if (!life.succeeded.has(name)) life.succeeded.set(name, false);
    if (!this.#isExcused(line.process, event)) {
      for (const { began, isTold, number: since } of life.running.values()) {
        // What looks at its signal is judged when it does: it may have been told, and not have been awake to write that down.
        if (began.name !== name || isTold || isSameAttempt(began, line) || began.turnMs !== undefined) continue;
        if (this.#isExcused(began.process, event)) continue;
        const running = `the ${what} that ${began.process} began in line ${since} still ran`;
        broken("G1", `${line.process} began the ${what} while ${running}`);
        if (began.hasSignal)
          broken("G6", `${running}, and had not been told to stop, when ${line.process} began it too`);
      }
      const { newest } = life;
      const isNewer =
        newest !== undefined && newest.fence >= fence && newest.atMs < (line.turnMs ?? Number.POSITIVE_INFINITY);
      if (fence > 0 && isNewer && !isSameAttempt(newest, line)) {
        const fences = `${line.process} began the ${what} with fence ${fence}`;
        broken("G5", `${fences}, after ${newest.process} had begun it with fence ${newest.fence}`);
      }
    }
    this.#beganAfterCommit(line, place, life, broken);
    if (fence > (life.newest?.fence ?? 0)) life.newest = line;
    life.fences.set(line.process, Math.min(fence, life.fences.get(line.process) ?? fence));
    life.running.set(effectOf(line), { began: line, number, isTold: false });
  }

  #beganAfterCommit(line: Line<"effect.began">, place: number, life: Life, broken: Report): void {
    const { process, event, name, fence, atMs, turnMs } = line;
    const writes = this.#writes.get(event) ?? [];
    if (this.#isForgetful) return;
    const before = writes.findLast(({ revision }) => revision < fence);
    const after = writes.find(
      ({ state, revision, shown }) =>
        state === "committed" &&
        revision > fence &&
        (turnMs === undefined ? shown.place < place : shown.line.atMs < turnMs),
    );
    const commit = before?.state === "committed" ? before : this.#isExcused(process, event) ? undefined : after;
    if (commit !== undefined && commit.removed === undefined && atMs < commit.standsUntilMs) {
      const since = `${commit.owner} had committed it with revision ${commit.revision} (line ${commit.shown.number})`;
      broken("G3", `${process} began the ${name} of ${event} after ${since}`);
    }
    if (writes.length === 0 && life.acknowledged !== undefined && !this.#isExcused(process, event)) {
      broken(
        "G3",
        `${process} began the ${name} of ${event} after it had been acknowledged in line ${life.acknowledged}`,
      );
    }
  }

  /** A signal that had not fired when its process was awake: nobody else can have had the key by then. */
  #looked(line: Line<"effect.looked">, broken: Report): void {
    const { process, event, turnMs } = line;
    const effect = this.#lifeOf(event).running.get(effectOf(line));
    if (effect === undefined || effect.isTold || this.#isExcused(process, event)) return;
    const { name, fence } = effect.began;
    const other = (this.#writes.get(event) ?? []).find(
      (write) => write.revision > fence && fenceOf(write, write.revision) !== fence && write.shown.line.atMs < turnMs,
    );
    if (other === undefined) return;
    // Said once of each effect.
    effect.isTold = true;
    const late = `the ${name} of ${event} on ${process} had not been told to stop when it looked`;
    broken(
      "G6",
      `${late}, after ${other.owner} had got the key with revision ${other.revision} (line ${other.shown.number})`,
    );
  }

  #ended(line: Line<"effect.ended">): void {
    const life = this.#lifeOf(line.event);
    const effect = life.running.get(effectOf(line));
    life.running.delete(effectOf(line));
    if (effect === undefined) return;
    if (!line.failed) life.succeeded.set(effect.began.name, true);
    const here = [...life.deliveries.values()].filter(({ process }) => process === line.process);
    const [delivery] = here;
    if (here.length === 1 && delivery !== undefined) delivery.effectFailed = line.failed;
  }

  #answered(line: Line<"answered">, { number, place }: Placed, broken: Report): void {
    const { process, event } = line;
    const life = this.#lifeOf(event);
    const delivery = life.deliveries.get(deliveryOf(line));
    life.deliveries.delete(deliveryOf(line));
    if (line.answer === "put back") {
      if (line.code === "store-unavailable" && delivery?.effectFailed === true) {
        broken("G7", `the effect of ${event} failed, and ${process} was told of the store's trouble instead`);
      }
      return;
    }
    life.acknowledged ??= number;
    if (life.succeeded.size === 0) broken("G2", `${process} acknowledged ${event}, and nothing had been done for it`);
    for (const [name, hasSucceeded] of life.succeeded) {
      if (!hasSucceeded) broken("G2", `${process} acknowledged ${event}, and its ${name} had not succeeded`);
    }
    const writes = this.#writes.get(event) ?? [];
    const fence = life.fences.get(process) ?? 0;
    const hasTaken = (write: Write): boolean => write.revision > fence && fenceOf(write, write.revision) !== fence;
    if (line.commit === "superseded" && writes.length > 0 && !writes.some(hasTaken)) {
      broken("G8", `${process} was told that somebody else had taken ${event}, and nobody had`);
    }
    if (line.commit !== "confirmed" && line.commit !== "adopted") return;
    const commits = writes.filter(({ state }) => state === "committed");
    const isKnown = commits.some(
      ({ owner, revision, shown }) =>
        owner === process && (shown.place < place || this.#toldOf.has(`${process} ${revision}`)),
    );
    if (writes.length > 0 && !isKnown) {
      broken(
        "G9",
        `${process} was told that its commit of ${event} stands (${line.commit}), and its store had not said so`,
      );
    }
    const stands = commits.every(({ removed, standsUntilMs }) => removed === undefined && line.atMs < standsUntilMs);
    if (life.committer !== undefined && stands && !this.#isForgetful) {
      broken("G8", `${process} was told that its dispatch of ${event} counts, and so was ${life.committer} before`);
    }
    life.committer = process;
  }

  /** A reservation is removed by its holder when the dispatch has failed, or by an operator; not from under an effect. */
  #removed(placed: Placed, broken: Report): void {
    const removal = this.#removals.get(placed);
    if (removal === undefined || removal.write.state === "committed") return;
    const { event, write } = removal;
    const fence = fenceOf(write, write.revision);
    for (const effect of this.#lifeOf(event).running.values()) {
      if (effect.began.fence !== fence || effect.isTold) continue;
      const { process } = effect.began;
      if (write.removed?.request?.operation === "clear") effect.isTold = true;
      else if (!this.#isExcused(process, event)) {
        broken(
          "G5",
          `the reservation of ${event} was removed while ${process} still worked on it (since line ${effect.number})`,
        );
      }
    }
  }

  #settled({ unacknowledged = [] }: Line<"settled">, broken: Report): void {
    for (const [event, { acknowledged }] of this.#lives) {
      if (acknowledged === undefined) broken("G4", `${event} was delivered again and again, and never acknowledged`);
      else if (unacknowledged.includes(event)) {
        broken("G4", `one of the messages with ${event} was delivered again and again, and never acknowledged`);
      }
    }
  }
}

function effectOf({ process, effect }: { readonly process: string; readonly effect: number }): string {
  return `${process} ${effect}`;
}

function deliveryOf({ process, delivery }: { readonly process: string; readonly delivery: number }): string {
  return `${process} ${delivery}`;
}

/** Effects under one reservation do not stand in each other's way. */
function isSameAttempt(one: Line<"effect.began">, other: Line<"effect.began">): boolean {
  return one.process === other.process && one.fence === other.fence && one.fence > 0;
}
