import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type * as Machines from "../../machines/index.ts";
import type { Package } from "./latchkey-service.ts";

type Planted = Package & Pick<typeof import("../../src/index.ts"), "memoryStore">;

/** A bug, as replacements in the source text. Each text to find must occur exactly once, so a stale patch fails. */
export interface PlantedBug {
  readonly name: string;
  readonly patches: ReadonlyArray<{ readonly file: string; readonly find: string; readonly replace: string }>;
}

const root = resolve(import.meta.dirname, "../..");
/** Holds the copies of this process only: other test processes plant bugs at the same time. */
const copiesFolder = join(root, ".cache", "planted-bugs", String(process.pid));

let copies = 0;

/** Imports a copy of the package that contains the bug. */
export async function plant(bug: PlantedBug): Promise<Planted> {
  const planted: Planted = await import(/* @vite-ignore */ join(copyWithBug(bug), "src", "index.ts"));
  return planted;
}

/** Imports a copy of the dedup-key machine that contains the bug. */
export async function plantInMachine(bug: PlantedBug): Promise<typeof Machines.dedupKeyMachine> {
  const planted: typeof Machines = await import(
    /* @vite-ignore */ join(copyWithBug(bug, ["machines"]), "machines", "index.ts")
  );
  return planted.dedupKeyMachine;
}

/** Copies the package, or some of its folders, applies the bug, and returns the path of the copy. */
export function copyWithBug({ name, patches }: PlantedBug, folders: readonly string[] = ["machines", "src"]): string {
  // A folder for each copy: two bugs may have one name, and Node.js caches modules by their path.
  copies += 1;
  const place = join(copiesFolder, `${copies}-${name.replaceAll(/\W+/g, "-")}`);
  mkdirSync(place, { recursive: true });
  for (const folder of folders) cpSync(join(root, folder), join(place, folder), { recursive: true });
  for (const { file, find, replace } of patches) {
    const path = join(place, file);
    const parts = readFileSync(path, "utf8").split(find);
    if (parts.length !== 2) {
      throw new Error(`"${name}": the text to change occurs ${parts.length - 1} times in ${file}, expected once`);
    }
    writeFileSync(path, parts.join(replace));
  }
  return place;
}

/** Removes every copy that this process made. */
export function removePlantedCopies(): void {
  rmSync(copiesFolder, { recursive: true, force: true });
}
