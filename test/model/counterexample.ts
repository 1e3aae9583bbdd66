import type { Explored } from "./explore.ts";
import { packed, unpacked } from "./packed.ts";
import { registerOf } from "./register.ts";
import type { Happening, World, Worlds } from "./world.ts";

/** The shortest way to a world, and one step on, in words: what happens to which delivery, and what the store holds then. */
export function counterexample(scope: Worlds, { worlds, parents }: Explored, at: number, last?: Happening): string {
  const path: number[] = [];
  for (let world = at; world >= 0; world = parents[world] ?? -1) path.unshift(world);
  const way = new Way(scope, unpacked(worlds[path[0] ?? 0] ?? ""));
  for (const world of path.slice(1)) way.go((happening) => packed(happening.world) === worlds[world]);
  if (last !== undefined) way.go(({ label, violations }) => label === last.label && violations.length > 0);
  return table(way.lines);
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

/** A way through the worlds on which every delivery keeps its name: A for the first. */
class Way {
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

  go(isTaken: (happening: Happening) => boolean): void {
    const happening = this.#scope.happenings(this.#world).find(isTaken);
    if (happening === undefined) throw new Error("The way leads nowhere");
    const { at, label, settled, over, world } = happening;
    const names = at === this.#world.attempts.length ? [...this.#names, this.#newName()] : this.#names;
    this.#names = names.filter((_, index) => !over.includes(index));
    this.#world = world;
    this.#steps += 1;
    const who = at === undefined ? "store" : (names[at] ?? "");
    const parts = label.split("; ");
    for (const [index, what] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const ended = isLast && settled !== undefined ? `: ${settled}` : "";
      const [number, by] = index === 0 ? [`${this.#steps}.`, who] : ["", ""];
      this.lines.push([number, by, `${what}${ended}`, isLast ? this.#held() : ""]);
    }
  }

  #newName(): string {
    this.#begun += 1;
    return String.fromCharCode("A".charCodeAt(0) + this.#begun - 1);
  }

  #held(): string {
    const { holds, isOver } = registerOf(this.#world.register);
    if (holds === "nothing") return "| nothing";
    const owner =
      this.#names[this.#world.attempts.findIndex((id) => this.#scope.attempts.at(id).owns)] ?? "one that is gone";
    return `| ${holds === "commit" ? "committed" : "reserved"} by ${owner}${isOver ? ", whose lease is over" : ""}`;
  }
}
