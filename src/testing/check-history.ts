import type { StoreKey } from "../key.ts";
import type { DedupRecord } from "../record.ts";
import type { Line } from "./history.ts";

type Seen<Type extends Line["type"]> = Extract<Line, { type: Type }>;
type Report = (guarantee: Guarantee, what: string) => void;

/** The guarantees that a history can break. */
export type Guarantee = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G8" | "G9";

/** A guarantee that did not hold, and where. */
export interface Violation {
  readonly guarantee: Guarantee;
  readonly what: string;
  /** The index of the line that shows it; the number of lines for what is missing at the end. */
  readonly line: number;
}

interface Effect {
  readonly task: string;
  told: boolean;
}

/** What the store holds of an event. */
interface Standing {
  readonly record: DedupRecord;
  readonly sinceMs: number;
}

/** What is known of one event on the way through a history. */
class Life {
  readonly running = new Map<number, Effect>();
  standing: Standing | undefined;
  lastFence = 0;
  succeeded = 0;
  /** How many dispatches were told that their commit is the one that counts. */
  counted = 0;
  /** The reservations that there were, and who wrote a commit. */
  readonly tokens = new Set<string>();
  readonly committers = new Set<string>();
}

/**
 * Judges a history line by line.
 *
 * A task that stood still may be told late, and is judged on nothing that rests on its being told in time. A store that forgot a
 * write excuses what follows from it for the history's rest.
 */
export function checkHistory(lines: readonly Line[], unacknowledged: readonly string[]): readonly Violation[] {
  const judge = new Judge();
  lines.forEach((line, index) => {
    judge.read(line, index);
  });
  for (const event of unacknowledged) {
    judge.violations.push({ guarantee: "G4", what: `${event} was never acknowledged`, line: lines.length });
  }
  return judge.violations;
}

class Judge {
  readonly violations: Violation[] = [];
  readonly #lives = new Map<string, Life>();
  readonly #byKey = new Map<StoreKey, Life>();
  readonly #late = new Set<string>();
  #forgetful = false;

  read(line: Line, index: number): void {
    const broken = (guarantee: Guarantee, what: string): void => {
      this.violations.push({ guarantee, what, line: index });
    };
    switch (line.type) {
      case "fault":
        if (line.fault === "amnesia") this.#forgetful = true;
        return;
      case "frozen":
        this.#late.add(line.task);
        return;
      case "died":
        for (const life of this.#lives.values()) {
          for (const [effect, { task }] of life.running) if (task === line.task) life.running.delete(effect);
        }
        return;
      case "effect.began":
        this.#began(line, this.#lifeOf(line.event), broken);
        return;
      case "effect.told": {
        const effect = this.#lifeOf(line.event).running.get(line.effect);
        if (effect !== undefined) effect.told = true;
        return;
      }
      case "effect.ended": {
        const life = this.#lifeOf(line.event);
        life.running.delete(line.effect);
        if (!line.failed) life.succeeded += 1;
        return;
      }
      case "answered":
        this.#answered(line, this.#lifeOf(line.event), broken);
        return;
      case "store.held":
        this.#held(line, this.#lifeOf(line.record.eventId), broken);
        return;
      case "store.removed": {
        const life = this.#byKey.get(line.key);
        const holder = life?.standing?.record.owner;
        for (const { task, told } of life?.running.values() ?? []) {
          if (task !== holder || told || this.#late.has(task) || this.#forgetful) continue;
          broken("G5", `the reservation of ${task} was removed while its effect ran`);
        }
        if (life?.standing?.record.state === "committed" && !this.#forgetful) broken("G3", "a commit was removed");
        if (life !== undefined) life.standing = undefined;
        return;
      }
      case "delivered":
        return;
    }
  }

  #lifeOf(event: string): Life {
    const known = this.#lives.get(event);
    if (known !== undefined) return known;
    const life = new Life();
    this.#lives.set(event, life);
    return life;
  }

  /** Whoever begins must be the only one that was not told to stop, must be newer than all before, and not come too late. */
  #began(line: Seen<"effect.began">, life: Life, broken: Report): void {
    const excused = this.#late.has(line.task) || this.#forgetful;
    for (const [effect, { task, told }] of life.running) {
      if (told || excused || this.#late.has(task)) continue;
      broken("G1", `effect ${effect} on ${task} still ran when effect ${line.effect} of ${line.event} began`);
      broken("G6", `the signal of effect ${effect} on ${task} had not fired when effect ${line.effect} began`);
    }
    if (life.standing?.record.state === "committed" && !excused) {
      broken("G3", `${line.event} was dispatched after it had been committed`);
    }
    if (line.fence !== undefined && line.fence > 0) {
      if (line.fence <= life.lastFence && !excused) {
        broken(
          "G5",
          `the fence ${line.fence} of effect ${line.effect} is not above ${life.lastFence}, which came before`,
        );
      }
      life.lastFence = Math.max(life.lastFence, line.fence);
    }
    life.running.set(line.effect, { task: line.task, told: false });
  }

  #answered(line: Seen<"answered">, life: Life, broken: Report): void {
    if (line.answer.type !== "acknowledged") return;
    if (life.succeeded === 0) broken("G2", `${line.event} was acknowledged, and its effect never succeeded`);
    if (line.answer.commit === "superseded" && life.tokens.size < 2) {
      broken("G8", `${line.task} was told that somebody else took ${line.event}, and nobody did`);
    }
    if (line.answer.commit === "confirmed" || line.answer.commit === "adopted") {
      life.counted += 1;
      if (!life.committers.has(line.task)) {
        broken("G9", `${line.task} was told that its commit of ${line.event} stands, and the store never held it`);
      }
      if (life.counted > 1 && !this.#forgetful) {
        broken("G8", `${line.event} succeeded ${life.counted} times, and every time was told that it alone counts`);
      }
    }
  }

  /** A record is followed by its own holder's, or by another's when its time is up; a commit by nothing, in its window. */
  #held(line: Seen<"store.held">, life: Life, broken: Report): void {
    const { standing } = life;
    this.#byKey.set(line.key, life);
    life.tokens.add(line.record.token);
    if (line.record.state === "committed") life.committers.add(line.record.owner);
    life.standing = { record: line.record, sinceMs: line.atMs };
    if (standing === undefined || standing.record.token === line.record.token) return;
    const { record, sinceMs } = standing;
    if (record.state === "committed") {
      broken("G3", `the commit of ${line.record.eventId} was written over by ${line.record.owner}`);
    } else if (record.owner !== line.record.owner && line.atMs < sinceMs + record.leaseMs) {
      broken("G5", `${line.record.owner} wrote over the reservation that ${record.owner} still held`);
    }
  }
}
