import { type Signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { evidenceOf } from "../../conclusions/suspicion.ts";
import type { ShownAttempt } from "../../server/wire.ts";
import { nowMs, playback, session } from "../browser/page-state.ts";
import { useIsNarrow } from "../browser/viewport.ts";
import { type AttemptSorting, attemptState, leaseEndsMs, type SortColumn } from "../state/attempt-list.ts";
import { toneOf } from "../state/concern-words.ts";
import type { Tone } from "../state/event-words.ts";
import { span } from "../state/formats.ts";
import { rowWindow } from "../state/row-window.ts";
import type { SharedNames } from "../state/shared-names.ts";
import { CopyableNumber } from "./copyable.tsx";
import { IdentityCells } from "./identity-cells.tsx";
import { Name } from "./name.tsx";
import { type SortableColumn, SortableHead } from "./sortable-head.tsx";

const ROW_HEIGHT = 44;

const columns: readonly SortableColumn<SortColumn>[] = [
  { column: "event", name: "Event, key" },
  { column: "subscription", name: "Subscription" },
  { column: "owner", name: "Owner" },
  { column: "attempt", name: "Attempt", isNumber: true },
  { column: "fence", name: "Fence", isNumber: true },
  { column: "state", name: "State" },
  { column: "began", name: "Held for", isNumber: true },
  { column: "lease", name: "Lease left" },
];

/** Returns the columns without that of a subscription which all rows share. */
function shownColumns({ subscription }: SharedNames): typeof columns {
  return subscription === undefined ? columns : columns.filter(({ column }) => column !== "subscription");
}

/** Number of columns that are visible on a phone. */
const COLUMNS_ON_A_PHONE = 3;

interface AttemptTableProps {
  readonly rows: readonly ShownAttempt[];
  readonly shared: SharedNames;
  readonly order: Signal<AttemptSorting>;
  readonly isFiltered: boolean;
}

/** Renders only the visible rows, however many attempts there are. */
export function AttemptTable({ rows, shared, order, isFiltered }: AttemptTableProps): VNode {
  const scroller = useRef<HTMLElement>(null);
  const scrollTop = useSignal(0);
  const height = useSignal(600);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { from, to, aboveHeight, belowHeight } = rowWindow(rows.length, ROW_HEIGHT, scrollTop.value, height.value);
  return (
    <section
      ref={scroller}
      class="scroller panel"
      aria-label="Reservations in flight"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      onScroll={({ currentTarget }) => (scrollTop.value = currentTarget.scrollTop)}
      onKeyDown={moveInTable}
    >
      <table class="attempt-table" aria-rowcount={rows.length + 1}>
        <SortableHead
          columns={shownColumns(shared)}
          order={order.value}
          onSort={(to) => (order.value = to)}
          rowIndex={1}
        />
        <tbody>
          {aboveHeight > 0 && <Spacer height={aboveHeight} shared={shared} />}
          {rows.slice(from, to).map((attempt, index) => (
            <Row key={attempt.id} attempt={attempt} shared={shared} rowIndex={from + index + 2} />
          ))}
          {belowHeight > 0 && <Spacer height={belowHeight} shared={shared} />}
        </tbody>
      </table>
      {rows.length === 0 && <EmptyTable isFiltered={isFiltered} />}
    </section>
  );
}

function Spacer({ height, shared }: { height: number; shared: SharedNames }): VNode {
  return (
    <tr class="spacer" style={{ height: `${height}px` }}>
      <td colSpan={useIsNarrow() ? COLUMNS_ON_A_PHONE : shownColumns(shared).length} />
    </tr>
  );
}

const stateTones: Readonly<Record<ReturnType<typeof attemptState>, Tone>> = {
  overdue: toneOf("overdue"),
  endless: toneOf("endless"),
  silent: toneOf("silent"),
  "long-held": toneOf("long-held"),
  retried: toneOf("retried"),
  running: "held",
  committing: "dispatched",
  releasing: "failure",
  lost: "expired",
  unprotected: "superseded",
};

interface RowProps {
  readonly attempt: ShownAttempt;
  readonly shared: SharedNames;
  readonly rowIndex: number;
}

function Row({ attempt, shared, rowIndex }: RowProps): VNode {
  const { identity, owner, fence, renewals, beganAtMs } = attempt;
  const state = attemptState(attempt);
  const now = { nowMs: nowMs.value, skewMs: session().source?.skewMs ?? 0 };
  const evidence = attempt.suspicion === undefined ? "" : evidenceOf(attempt.suspicion, attempt, now);
  return (
    <tr aria-rowindex={rowIndex}>
      <IdentityCells identity={identity} shared={shared} />
      <td class="owner">
        <Name text={owner} prefix={shared.ownerPrefix} />
      </td>
      <td class="attempt number">{attempt.attempt}</td>
      <td class="fence number">
        <CopyableNumber value={fence} what="fence" />
      </td>
      <td class="state">
        <span class={`chip ${stateTones[state]}`}>{state}</span>
        {evidence !== "" && (
          <span class="under soft" title={evidence}>
            {evidence}
          </span>
        )}
      </td>
      <td class="began number">
        {span(Math.max(0, nowMs.value - beganAtMs))}
        <span class="under soft">{renewals === 0 ? "" : `renewed ${renewals}×`}</span>
      </td>
      <td class="lease">{attempt.hold === "held" ? <Lease attempt={attempt} /> : <span class="soft">none</span>}</td>
    </tr>
  );
}

/** Countdown of a lease. */
function Lease({ attempt }: { attempt: ShownAttempt }): VNode {
  const leftMs = leaseEndsMs(attempt) - nowMs.value;
  const part = Math.max(0, Math.min(1, leftMs / attempt.leaseMs));
  const level = part > 0.5 ? "ample" : part > 0.2 ? "low" : "last";
  return (
    <span class={`lease-left ${level}`}>
      <span class="bar">
        <span class="fill" style={{ transform: `scaleX(${part.toFixed(3)})` }} />
      </span>
      <span class="left">{leftMs > 0 ? span(leftMs) : "over"}</span>
    </span>
  );
}

function EmptyTable({ isFiltered }: { isFiltered: boolean }): VNode {
  const isRecorded = playback.value !== undefined;
  const text = isFiltered
    ? "No reservation matches the filter."
    : isRecorded
      ? "Nothing is in flight at this point of the run. Move the slider below to see another point."
      : "Nothing is in flight. Each event appears here while its handler runs, with its owner and the rest of its lease.";
  return <p class="empty">{session().isComplete ? text : "Loading the attempts in flight…"}</p>;
}

/** Moves the focus from row to row with the arrow keys. */
function moveInTable(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("td.event a")];
  const at = links.findIndex((one) => one.matches(":focus"));
  const next = at < 0 ? firstVisible(links, event.currentTarget) : links[at + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function firstVisible(links: readonly HTMLElement[], scroller: HTMLElement): HTMLElement | undefined {
  const top = scroller.getBoundingClientRect().top + ROW_HEIGHT;
  return links.find((one) => one.getBoundingClientRect().top >= top);
}
