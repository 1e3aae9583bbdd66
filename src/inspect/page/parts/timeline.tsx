import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import { playback } from "../browser/page-state.ts";
import { detailOf, eventWords } from "../state/event-words.ts";
import { exactTime, span } from "../state/formats.ts";
import { type LaneCell, type TimelineRow, timelineOf } from "../state/timeline.ts";

const LANE = 26;

/** Timeline of a key: a lane for each replica, a row for each event. */
export function TimelineTable({ trace }: { trace: readonly TraceEvent[] }): VNode {
  const { lanes, rows } = timelineOf(trace);
  return (
    <>
      <ul class="lanes" aria-label="Replicas">
        {lanes.map((lane, index) => (
          <li key={lane}>
            <span class={`lane-name lane-${index % 6}`}>{index + 1}</span> {lane}
          </li>
        ))}
      </ul>
      <table class="timeline">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" style={{ width: `${Math.max(64, lanes.length * LANE + 16)}px` }}>
              Replica
            </th>
            <th scope="col">What happened</th>
            <th scope="col" class="revision number">
              Revision
            </th>
            <th scope="col" class="took number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} lanes={lanes} isFirst={index === 0} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({ row, lanes, isFirst }: { row: TimelineRow; lanes: readonly string[]; isFirst: boolean }): VNode {
  const { event, sinceLastMs, tookOverFrom, cells } = row;
  const { word, tone, meaning } = eventWords[event.type];
  const takeover = tookOverFrom === undefined ? [] : [`took over from fence ${amount(tookOverFrom)}`];
  const detail = [...takeover, detailOf(event)].filter((text) => text !== "").join(" · ");
  return (
    <tr class={playback.value?.isViolation(event) === true ? "violation" : ""}>
      <td class="when">
        {exactTime(event.atMs)}
        <span class="under soft">{isFirst ? "first seen" : `+${span(sinceLastMs)}`}</span>
      </td>
      <td class="lanes-cell">
        <svg role="img" aria-label={`on ${event.replica}`}>
          {cells.map((cell, index) => (
            <Lane key={lanes[index]} cell={cell} index={index} tone={tone} />
          ))}
        </svg>
      </td>
      <td class="what">
        <span class={`word ${tone}`}>{word}</span> <span class="soft replica">{event.replica}</span>
        <span class="under soft">{detail === "" ? meaning : detail}</span>
      </td>
      <td class="revision number">{event.revision === 0 ? "" : amount(event.revision)}</td>
      <td class="took number">{event.durationMs === 0 ? "" : span(event.durationMs)}</td>
    </tr>
  );
}

function Lane({ cell, index, tone }: { cell: LaneCell; index: number; tone: string }): VNode {
  const x = index * LANE + LANE / 2;
  return (
    <g class={`lane lane-${index % 6}`}>
      <line class={cell.before} x1={x} x2={x} y1="0" y2="50%" />
      <line class={cell.after} x1={x} x2={x} y1="50%" y2="100%" />
      {cell.isHere && <circle class={`dot ${tone}`} cx={x} cy="50%" r={6} />}
    </g>
  );
}
