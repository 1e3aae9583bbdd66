import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type * as DedupKey from "../../machines/dedup-key.ts";
import type { Package } from "./latchkey-service.ts";

type Planted = Package & Pick<typeof import("../../src/index.ts"), "memoryStore">;

/** A bug, as a change of the source text; it must fit exactly once, so that it keeps step with the code. */
export interface PlantedBug {
  readonly name: string;
  readonly patches: ReadonlyArray<{ readonly file: string; readonly find: string; readonly replace: string }>;
}

const root = resolve(import.meta.dirname, "../..");
/** Others plant at the same time. */
const garden = join(root, ".cache", "planted-bugs", String(process.pid));

/** A copy of the package with the bug in it. */
export async function plant(bug: PlantedBug): Promise<Planted> {
  const planted: Planted = await import(/* @vite-ignore */ join(sow(bug), "src", "index.ts"));
  return planted;
}

/** The machine of a key with the bug in it. */
export async function plantInMachine(bug: PlantedBug): Promise<typeof DedupKey.dedupKeyMachine> {
  const planted: typeof DedupKey = await import(
    /* @vite-ignore */ join(sow(bug, ["machines"]), "machines", "dedup-key.ts")
  );
  return planted.dedupKeyMachine;
}

/** The folder of a copy of the package, or of some of its folders, with the bug in it. */
export function sow({ name, patches }: PlantedBug, folders: readonly string[] = ["machines", "src"]): string {
  const place = join(garden, name.replaceAll(/\W+/g, "-"));
  rmSync(place, { recursive: true, force: true });
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

/** Removes what this process planted. */
export function clearGarden(): void {
  rmSync(garden, { recursive: true, force: true });
}
