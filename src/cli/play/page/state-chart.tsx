import type { VNode } from "preact";
import { dedupKeyMachine } from "../../../../machines/index.ts";
import { chartOf } from "../../../inspect/chart/chart.ts";
import { pathOf } from "../../../inspect/chart/geometry.ts";
import { layOut } from "../../../inspect/chart/layout.ts";

const drawing = layOut(chartOf(dedupKeyMachine), {
  isOpen: () => false,
  direction: "right",
  textOf: () => [],
  notesOf: () => [],
});

/** The statechart of a key, with the state that corresponds to its record. */
export function StateChart({ state }: { readonly state: string }): VNode {
  return (
    <div class="chart">
      <svg viewBox={`0 0 ${Math.ceil(drawing.width)} ${Math.ceil(drawing.height)}`} aria-label={`The key is ${state}`}>
        <defs>
          <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {drawing.lines.map(({ from, to, points }) => (
          <path key={`${from} ${to}`} d={pathOf(points)} marker-end="url(#tip)" />
        ))}
        {drawing.boxes.map(({ state: { id, name }, x, y, width, height }) => (
          <g key={id} class={id === state ? "now" : ""}>
            <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx="7" />
            <text x={x} y={y + 5}>
              {name}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}
