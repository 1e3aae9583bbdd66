import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { amount } from "../../../internal/counted.ts";
import { pathOf } from "../../chart/geometry.ts";
import { type Box, type Line, METRICS } from "../../chart/layout.ts";
import { nowMs, session } from "../browser/page-state.ts";
import type { Tone } from "../state/event-words.ts";
import { rate } from "../state/formats.ts";
import { attemptsIn, chart, countOf, drawingOf, labelOf } from "../state/machine-view.ts";
import { machineEventWords, stateWords } from "../state/machine-words.ts";

/** The state machine of a key, drawn from the running machine, with live counts for states and lines. */
export function Machine(): VNode {
  const open = useSignal<ReadonlySet<string>>(new Set());
  const toggled = useSignal("");
  const svg = useRef<SVGSVGElement>(null);
  const description = useSignal("");
  const drawing = useMemo(() => drawingOf(open.value), [open.value]);
  const toggle = (id: string): void => {
    const next = new Set([...open.value].filter((other) => other !== id && !other.startsWith(`${id}.`)));
    if (!open.value.has(id)) next.add(id);
    open.value = next;
    toggled.value = id;
  };
  // The states move when one is expanded.
  useEffect(() => {
    const box = svg.current?.querySelector(`[data-state="${toggled.value}"]`);
    if (toggled.value !== "") box?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [open.value]);
  const describe = (text: string): void => {
    description.value = text;
  };
  const scale = open.value.size < 2 ? READABLE : READABLE_EXPANDED;
  const [width, height] = [Math.ceil(drawing.width), Math.ceil(drawing.height)];
  return (
    <div class="machine">
      <div class="drawing">
        <svg
          ref={svg}
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          style={{ minWidth: `${width * scale}px`, minHeight: `${height * scale}px` }}
          aria-label="The state machine of a key"
        >
          <defs>
            <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {drawing.boxes
            .filter(({ isOpen }) => isOpen)
            .map((box) => (
              <State key={box.state.id} box={box} toggle={toggle} describe={describe} />
            ))}
          {drawing.lines.map((line) => (
            <LineView key={`${line.from} ${line.to}`} line={line} open={open.value} describe={describe} />
          ))}
          {drawing.boxes
            .filter(({ isOpen }) => !isOpen)
            .map((box) => (
              <State key={box.state.id} box={box} toggle={toggle} describe={describe} />
            ))}
        </svg>
      </div>
      <p class="description soft">
        {description.value === ""
          ? "A delivery starts at unseen. Click unseen, reserved or expired to see its inner states."
          : description.value}
      </p>
    </div>
  );
}

/** The drawing scrolls rather than shrink further, because its letters could not be read. */
const READABLE = 0.72;
/** With several expanded states, the drawing scrolls anyway. */
const READABLE_EXPANDED = 0.92;

/** Tones of the top-level states. */
const tones: Readonly<Record<string, Tone>> = {
  reserved: "held",
  committed: "dispatched",
  released: "failure",
  pending: "pending",
  expired: "expired",
  superseded: "superseded",
  unconfirmed: "superseded",
  unavailable: "failure",
};

interface Describer {
  readonly describe: (text: string) => void;
}

function State({ box, toggle, describe }: { box: Box; toggle: (id: string) => void } & Describer): VNode {
  const { state, x, y, width, height, isCompound, isOpen } = box;
  const [left, top] = [x - width / 2, y - height / 2];
  const occupancy = attemptsIn(state, session());
  const tone = tones[state.id] ?? "plain";
  const isBusy = occupancy !== undefined && !occupancy.isTotal && occupancy.value > 0;
  const words = state.description === "" ? (stateWords[state.id] ?? state.name) : state.description;
  const shown = occupancy === undefined ? "" : `${amount(occupancy.value)}${occupancy.isTotal ? "" : " now"}`;
  const about = { onMouseEnter: () => describe(`${state.name}: ${words}.`), onMouseLeave: () => describe("") };
  const drawn = (
    <>
      <rect class="frame" x={left} y={top} width={width} height={height} rx={isOpen ? 10 : 8} />
      {state.kind === "final" && (
        <rect class="inner" x={left + 3} y={top + 3} width={width - 6} height={height - 6} rx={6} />
      )}
      {state.isInitial && <circle class="start" cx={left} cy={top + 12} r={4} />}
      {isOpen ? (
        <text class="name" x={left + 12} y={top + 18}>
          − {state.name} <tspan class="attempts-in">{shown}</tspan>
        </text>
      ) : (
        <>
          <text class="name middle" x={x} y={top + METRICS.padding / 2 + 15}>
            {isCompound && state.parent === "" ? `+ ${state.name}` : state.name}
          </text>
          {state.parent === "" && (
            <text class="state-word middle" x={x} y={top + METRICS.padding / 2 + METRICS.nameHeight + 11}>
              {stateWords[state.id]}
            </text>
          )}
          {shown !== "" && (
            <text class="attempts-in middle" x={x} y={state.parent === "" ? top + height - 9 : top + height + 11}>
              {shown}
            </text>
          )}
        </>
      )}
    </>
  );
  const classes = `state ${tone}${isOpen ? " open" : ""}${isBusy ? " busy" : ""}`;
  if (!isCompound) {
    return (
      <g class={classes} {...about}>
        {drawn}
      </g>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      class={`${classes} expandable`}
      data-state={state.id}
      role="button"
      tabindex={0}
      aria-expanded={isOpen}
      onClick={() => toggle(state.id)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        toggle(state.id);
      }}
      onFocus={() => describe(`${state.name}: ${words}.`)}
      onBlur={() => describe("")}
      {...about}
    >
      {drawn}
    </g>
  );
}

function LineView({ line, open, describe }: { line: Line; open: ReadonlySet<string> } & Describer): VNode {
  const { total, perSecond, lit } = countOf(line, session(), nowMs.value);
  const path = pathOf(line.points);
  const top = line.label.y - (line.text.length * METRICS.lineHeight) / 2;
  const meaning = [...new Set(line.transitions.map(({ event }) => machineEventWords[event] ?? event))].join("; or ");
  const numbers = total === 0 ? "" : [amount(total), rate(perSecond)].filter((text) => text !== "").join(" · ");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering only shows what the table shows too
    <g
      class={total === 0 ? "line-group" : "line-group taken"}
      onMouseEnter={() => describe(`${line.from} to ${line.to}: ${meaning}.`)}
      onMouseLeave={() => describe("")}
    >
      <path class="reach" d={path} />
      <path class="line" d={path} marker-end="url(#tip)" />
      {lit > 0 && <path key={lit} class="lit" d={path} pathLength={100} />}
      <text class="label middle" x={line.label.x} y={top + 0.75 * METRICS.lineHeight}>
        {labelOf(line.transitions, open)}
      </text>
      <text class="numbers middle" x={line.label.x} y={top + 1.75 * METRICS.lineHeight}>
        {numbers}
      </text>
    </g>
  );
}

/** The machine as a table, for screen readers. */
export function TransitionTable(): VNode {
  const now = session();
  const taken = chart.transitions.filter(({ id }) => now.rates.total(id) > 0);
  return (
    <details class="as-table">
      <summary>The machine as a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Event</th>
            <th scope="col">To</th>
            <th scope="col" class="number">
              Taken
            </th>
            <th scope="col" class="number">
              Rate
            </th>
          </tr>
        </thead>
        <tbody>
          {taken.map(({ id, from, event, to }) => (
            <tr key={id}>
              <td>{from}</td>
              <td>{event}</td>
              <td>{to}</td>
              <td class="number">{amount(now.rates.total(id))}</td>
              <td class="number">{rate(now.rates.perSecond(id, nowMs.value))}</td>
            </tr>
          ))}
          {taken.length === 0 && (
            <tr>
              <td colSpan={5}>No transition was taken yet.</td>
            </tr>
          )}
        </tbody>
      </table>
    </details>
  );
}
