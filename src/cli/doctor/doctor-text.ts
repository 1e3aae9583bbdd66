import { Help } from "commander";
import { counted } from "../../internal/counted.ts";
import type { Colour, Paint } from "../terminal/paint.ts";
import { AREAS, type Finding, SEVERITIES, type Severity } from "./finding.ts";

const MARKS: Readonly<Record<Severity, { readonly mark: string; readonly colour: Colour }>> = {
  ok: { mark: "✓", colour: "green" },
  note: { mark: "·", colour: "blue" },
  warning: { mark: "!", colour: "yellow" },
  error: { mark: "✗", colour: "red" },
};

/** Maximum width of a line, in columns. */
const MAX_WIDTH = 100;

/** Formats findings by area, each with its remedy. */
export function findingsText(
  findings: readonly Finding[],
  { paint, columns }: { paint: Paint; columns: number },
): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return AREAS.flatMap((area) => {
    const lines = findings.filter((one) => one.area === area).flatMap((one) => linesOf(one, width, { paint, columns }));
    return lines.length === 0 ? [] : [paint("bold", area), ...lines];
  })
    .map((line) => `${line}\n`)
    .join("");
}

function linesOf(
  { check, severity, evidence, remedy }: Finding,
  width: number,
  { paint, columns }: { paint: Paint; columns: number },
): readonly string[] {
  const { mark, colour } = MARKS[severity];
  const margin = " ".repeat(width + 6);
  const wrap = (text: string): string[] =>
    new Help().boxWrap(text, Math.min(columns, MAX_WIDTH) - margin.length).split("\n");
  const [first = "", ...rest] = wrap(evidence);
  const head = `  ${paint(colour, mark)} ${check.padEnd(width)}  ${first}`;
  const todo = remedy === undefined ? [] : wrap(`→ ${remedy}`).map((line) => paint("cyan", line));
  return [head, ...[...rest, ...todo].map((line) => margin + line)];
}

export type Counts = Readonly<Record<Severity, number>>;

export function countsOf(findings: readonly Finding[]): Counts {
  const counts = { ok: 0, note: 0, warning: 0, error: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

/** Formats the counts: `✗ 1 error, 2 warnings, 1 note; 12 checks passed`. */
export function countsText(counts: Counts, paint: Paint): string {
  const worst = SEVERITIES.findLast((severity) => severity !== "note" && counts[severity] > 0) ?? "ok";
  const { mark, colour } = MARKS[worst];
  const bad = (["error", "warning", "note"] as const)
    .filter((severity) => counts[severity] > 0)
    .map((severity) => counted(counts[severity], severity));
  const passed = counted(counts.ok, "check passed", "checks passed");
  return `${paint(colour, mark)} ${[...(bad.length > 0 ? [bad.join(", ")] : []), passed].join("; ")}\n`;
}
