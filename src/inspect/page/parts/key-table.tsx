import type { VNode } from "preact";
import type { KeyColumn, KeyQuery } from "../../server/key-query.ts";
import type { KeyPage, KeyRow } from "../../server/wire.ts";
import { goTo } from "../browser/navigate.ts";
import { nowMs } from "../browser/page-state.ts";
import { exactTime, span } from "../state/formats.ts";
import type { SharedNames } from "../state/shared-names.ts";
import { CopyableNumber } from "./copyable.tsx";
import { IdentityCells } from "./identity-cells.tsx";
import { KeyChip } from "./key-chip.tsx";
import { Name } from "./name.tsx";
import { type SortableColumn, SortableHead } from "./sortable-head.tsx";

const columns: readonly SortableColumn<KeyColumn>[] = [
  { column: "event", name: "Event, key" },
  { column: "subscription", name: "Subscription" },
  { column: "state", name: "State" },
  { column: "owner", name: "Owner" },
  { column: "attempt", name: "Attempt", isNumber: true },
  { column: "fence", name: "Fence", isNumber: true },
  { column: "written", name: "Written", isNumber: true },
];

interface KeyTableProps {
  readonly page: KeyPage;
  readonly shared: SharedNames;
  readonly query: KeyQuery;
}

/** Rows of one page of keys, with a head that sorts them. */
export function KeyTable({ page, shared, query }: KeyTableProps): VNode {
  const isOfFailed = query.state === "failed";
  const shown = columns
    .filter(({ column }) => column !== "subscription" || shared.subscription === undefined)
    .map((one) => (isOfFailed && one.column === "written" ? { ...one, name: "Failed" } : one));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section class="scroller panel" aria-label="All keys" tabIndex={0}>
      <table class={isOfFailed ? "attempt-table key-table failed-table" : "attempt-table key-table"}>
        <SortableHead
          columns={shown}
          order={{ column: query.sort, isDown: query.isDown }}
          isDownFirst={(column) => column === "written"}
          onSort={({ column, isDown }) => goTo({ view: "keys", query: { ...query, sort: column, isDown, page: 1 } })}
        />
        <tbody>
          {page.rows.map((row) => (
            <Row key={row.identity.storeKey} row={row} shared={shared} />
          ))}
        </tbody>
      </table>
      {page.rows.length === 0 && (
        <p class="empty">{page.total === 0 ? emptyWords(query) : "No key matches the filter."}</p>
      )}
    </section>
  );
}

function emptyWords({ state }: KeyQuery): string {
  return state === "failed" ? "No dispatch has failed lately, or each was repeated." : "The store contains no key.";
}

function Row({ row, shared }: { row: KeyRow; shared: SharedNames }): VNode {
  const { identity, owner, attempt, fence, atMs, error } = row;
  return (
    <tr>
      <IdentityCells identity={identity} shared={shared} />
      <td class="state">
        <KeyChip row={row} />
        {error !== "" && (
          <span class="under soft error" title={error}>
            {error}
          </span>
        )}
      </td>
      <td class="owner">
        <Name text={owner} prefix={shared.ownerPrefix} />
      </td>
      <td class="attempt number">{attempt}</td>
      <td class="fence number">
        <CopyableNumber value={fence} what="fence" />
      </td>
      <td class="written number" title={exactTime(atMs)}>
        {span(Math.max(0, nowMs.value - atMs))} ago
      </td>
    </tr>
  );
}
