import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";

/** Each layer may import itself and the layers above it in this list. Folders in one line do not import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["machines", "src/errors.ts"],
  ["src/internal"],
  ["src/model"],
  ["src/statechart", "src/stores", "src/history"],
  ["src/engine"],
  ["src/index.ts", "src/deduplicator.ts", "src/idempotent.ts", "src/options.ts", "src/env.ts"],
  ["src/nats", "src/http", "src/postgres", "src/otel", "src/testing", "src/inspect"],
  ["src/cli"],
];

const files = ["machines", "src"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
    .filter(isSource),
);
const imports = new Map(files.map((file) => [file, importsOf(file)]));

/** Returns the repository files that a file imports, re-exports or loads, type imports included. */
function importsOf(file: string): string[] {
  const specifiers = readFileSync(file, "utf8").matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) => posix.join(posix.dirname(file), specifier)).filter(isSource);
}

function isSource(file: string): boolean {
  return /\.tsx?$/.test(file) && !file.endsWith(".d.ts");
}

function folderOf(file: string): string {
  return LAYERS.flat().find((folder) => file === folder || file.startsWith(`${folder}/`)) ?? "none";
}

function mayImport(from: string, to: string): boolean {
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  const layerOf = (folder: string) => LAYERS.findIndex((layer) => layer.includes(folder));
  if (fromFolder === toFolder) return true;
  const isCore = (folder: string) => layerOf(folder) === 5;
  return layerOf(toFolder) < layerOf(fromFolder) || (isCore(fromFolder) && isCore(toFolder));
}

/** Returns one import cycle, or an empty list. */
function findCycle(): string[] {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const imported of imports.get(file) ?? []) {
      const cycle = visit(imported, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

/** Returns the packages that a file loads at once, directly or through its imports. Later loads are `import()`. */
function packagesLoadedBy(entry: string): string[] {
  const packages = new Set<string>();
  const loaded = new Set([entry]);
  for (const file of loaded) {
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(VALUE_IMPORT)) {
      const target = posix.join(posix.dirname(file), specifier);
      if (!specifier.startsWith(".")) packages.add(specifier);
      else if (isSource(target)) loaded.add(target);
    }
  }
  return [...packages];
}

const VALUE_IMPORT = /^(?:import|export)\s(?!type\b)(?:[^";]*?\sfrom\s+)?"([^"]+)"/gm;

const OPTIONAL = /^(@nats-io|@opentelemetry|pg$|postgres$|fast-check)/;

describe("the source tree", () => {
  it("has a layer for every file", () => {
    expect(files.filter((file) => folderOf(file) === "none")).toEqual([]);
  });

  it("imports in one direction only", () => {
    const wrong = [...imports].flatMap(([file, targets]) =>
      targets.filter((target) => !mayImport(file, target)).map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has no import cycles, type imports included", () => {
    expect(findCycle()).toEqual([]);
  });

  it("loads the command line without the packages that only some commands need", () => {
    const packages = packagesLoadedBy("src/cli/main.ts");
    expect(packages).toContain("xstate");
    expect(packages.filter((name) => OPTIONAL.test(name))).toEqual([]);
  });
});
