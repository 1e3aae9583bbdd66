import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { laneText } from "../../../testing/report/lanes.ts";
import type { ReportRow } from "../../../testing/report/rows.ts";

export interface LanesProps {
  readonly rows: readonly ReportRow[];
  /** Line that shows the first violation. */
  readonly brokenIn: number | undefined;
}

/**
 * The run as a table: one column for each replica, one row for each thing that happened. The first column has the line, to which the
 * explanation of a violation refers.
 */
export function Lanes({ rows, brokenIn }: LanesProps): VNode {
  const end = useRef<HTMLTableRowElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [rows]);
  const replicas = ["R1", "R2"];
  return (
    <table>
      <thead>
        <tr>
          <th>line</th>
          <th>ms</th>
          {replicas.map((name) => (
            <th key={name}>{name}</th>
          ))}
          <th>store</th>
        </tr>
      </thead>
      <tbody>
        {rows.length === 0 && (
          <tr>
            <td />
            <td colSpan={4} class="soft">
              Nothing has happened yet. Press Watch, or decide what happens next.
            </td>
          </tr>
        )}
        {rows.map((row) => (
          <tr key={row.first} class={classOf(row, brokenIn)} {...(row === rows.at(-1) ? { ref: end } : {})}>
            <td>{row.first === row.last ? row.first : `${row.first}-${row.last}`}</td>
            <td>{Math.round(row.atMs)}</td>
            {replicas.map((name) => (
              <td key={name}>{row.process.startsWith(name) ? laneText(row) : ""}</td>
            ))}
            <td>{storeText(row, replicas)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Marks the row that shows the violation. */
function classOf({ kind, first, last }: ReportRow, brokenIn = 0): string {
  return first <= brokenIn && brokenIn <= last ? `${kind} shows-violation` : kind;
}

function storeText(row: ReportRow, replicas: readonly string[]): string {
  if (row.stored !== undefined) return row.stored;
  return replicas.some((name) => row.process.startsWith(name)) ? "" : laneText(row);
}
