import type { Explored } from "./explore.ts";
import { packed, unpacked } from "./packed.ts";
import { registerOf } from "./register.ts";
import { databaseOf, describeDatabase } from "./transaction.ts";
import type { World, WorldStep, Worlds } from "./world.ts";

/** Formats the shortest path to a world and one more step: the delivery, its step, and the content of the store after it. */
export function counterexample(scope: Worlds, { worlds, parents }: Explored, at: number, last?: WorldStep): string {
  const path: number[] = [];
  for (let world = at; world >= 0; world = parents[world] ?? -1) path.unshift(world);
  const steps = new Path(scope, unpacked(worlds[path[0] ?? 0] ?? ""));
  for (const world of path.slice(1)) steps.go((step) => packed(step.world) === worlds[world]);
  if (last !== undefined) steps.go(({ label, violations }) => label === last.label && violations.length > 0);
  return table(steps.lines);
}

type Line = readonly string[];

function table(lines: readonly Line[]): string {
  const widths = lines.reduce<number[]>(
    (wide, line) => line.map((cell, column) => Math.max(cell.length, wide[column] ?? 0)),
    [],
  );
  const padded = (line: Line): string => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return lines.map((line) => `    ${padded(line).trimEnd()}`).join("\n");
}

/** A path through the worlds. Every delivery keeps its name on it: A for the first. */
class Path {
  readonly lines: Line[] = [];
  readonly #scope: Worlds;
  #world: World;
  #names: readonly string[] = [];
  #begun = 0;
  #steps = 0;

  constructor(scope: Worlds, from: World) {
    this.#scope = scope;
    this.#world = from;
  }

  go(isTaken: (step: WorldStep) => boolean): void {
    const step = this.#scope.stepsFrom(this.#world).find(isTaken);
    if (step === undefined) throw new Error("No such step follows");
    const { at, label, settled, ended, world } = step;
    const names = at === this.#world.attempts.length ? [...this.#names, this.#newName()] : this.#names;
    this.#names = names.filter((_, index) => !ended.includes(index));
    this.#world = world;
    this.#steps += 1;
    const who = at === undefined ? "store" : (names[at] ?? "");
    const parts = label.split("; ");
    for (const [index, what] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const settlement = isLast && settled !== undefined ? `: ${settled}` : "";
      const [number, by] = index === 0 ? [`${this.#steps}.`, who] : ["", ""];
      this.lines.push([number, by, `${what}${settlement}`, isLast ? this.#held() : ""]);
    }
  }

  #newName(): string {
    this.#begun += 1;
    return String.fromCharCode("A".charCodeAt(0) + this.#begun - 1);
  }

  #held(): string {
    const { holds, hasExpired } = registerOf(this.#world.register);
    const database = databaseOf(this.#world.database);
    const committed = database.marker === "none" && database.effects === 0 ? "" : `; ${describeDatabase(database)}`;
    if (holds === "nothing") return `| nothing${committed}`;
    const owner =
      this.#names[this.#world.attempts.findIndex((id) => this.#scope.attempts.at(id).owns)] ?? "an ended attempt";
    return `| ${holds === "commit" ? "committed" : "reserved"} by ${owner}${hasExpired ? ", whose lease has ended" : ""}${committed}`;
  }
}
