import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Row } from "./measure.ts";
import { benchMemory } from "./memory.ts";
import { benchNats } from "./nats.ts";

const resultFile = join(import.meta.dirname, "../../.cache/bench.json");

const rows = [...(await benchMemory()), ...(await benchNats())];
console.log(table(rows));
await mkdir(join(resultFile, ".."), { recursive: true });
const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? "unknown" };
await writeFile(resultFile, `${JSON.stringify({ machine, rows }, null, 2)}\n`);
console.log(`\nMedians of several rounds, in one run, the contestants taking turns. As JSON: .cache/bench.json`);

function table(lines: readonly Row[]): string {
  const header = ["what", "median", "from", "to", "ratio"];
  const cells = lines.map(({ what, unit, figure, spread, ratio }) => [
    what,
    `${shown(figure)} ${unit}`,
    shown(spread[0]),
    shown(spread[1]),
    ratio === undefined ? "" : `${ratio.is.toFixed(2)} of ${ratio.of} (${ratio.goal})`,
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells]
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}

function shown(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString("en") : figure.toFixed(1);
}
