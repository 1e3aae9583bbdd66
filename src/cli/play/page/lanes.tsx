import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ReportRow } from "../../../testing/report/rows.ts";

/** The run as a table: one column for each replica, one row for each thing that happened. */
export function Lanes({ rows }: { readonly rows: readonly ReportRow[] }): VNode {
  const end = useRef<HTMLTableRowElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [rows]);
  const replicas = ["R1", "R2"];
  return (
    <table>
      <thead>
        <tr>
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
            <td colSpan={3} class="soft">
              Nothing has happened yet. Press Step, or pick what happens next.
            </td>
          </tr>
        )}
        {rows.map((row) => (
          <tr key={row.first} class={row.kind} {...(row === rows.at(-1) ? { ref: end } : {})}>
            <td>{Math.round(row.atMs)}</td>
            {replicas.map((name) => (
              <td key={name}>{row.process.startsWith(name) ? `${incarnation(row.process)}${textOf(row)}` : ""}</td>
            ))}
            <td>{storeText(row, replicas)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Names a replica that replaced a crashed one. */
function incarnation(process: string): string {
  return process.includes("'") ? `${process}: ` : "";
}

function textOf({ kind, text: plain, response }: ReportRow): string {
  const text = kind === "delivered" ? `◂ ${plain}` : kind === "answered" ? `▸ ${plain}` : plain;
  return response === undefined ? text : `${text} → ${response}`;
}

function storeText(row: ReportRow, replicas: readonly string[]): string {
  if (row.stored !== undefined) return row.stored;
  return replicas.some((name) => row.process.startsWith(name)) ? "" : textOf(row);
}
