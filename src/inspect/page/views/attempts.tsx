import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { session } from "../browser/page-state.ts";
import { AttemptFilters } from "../parts/attempt-filters.tsx";
import { AttemptTable } from "../parts/attempt-table.tsx";
import { AttemptList, type AttemptOrder, BY_LEASE, NO_FILTER } from "../state/attempt-list.ts";
import { count, counted } from "../state/formats.ts";

export function AttemptsView(): VNode {
  const filter = useSignal(NO_FILTER);
  const order = useSignal<AttemptOrder>(BY_LEASE);
  const list = useMemo(() => new AttemptList(), []);
  const now = session();
  const rows = list.rows(now.attempts, now.attemptsVersion, filter.value, order.value);
  return (
    <div class="in-flight">
      <div class="view-head">
        <h2>In flight</h2>
        <p class="soft" role="status">
          {rows.length === now.attempts.size
            ? `${counted(rows.length, "reservation")}, ${now.isComplete ? "leases that end first come first" : "loading more"}`
            : `${count(rows.length)} of ${counted(now.attempts.size, "reservation")}`}
        </p>
        <AttemptFilters filter={filter} />
      </div>
      <AttemptTable rows={rows} order={order} isFiltered={rows.length < now.attempts.size} />
    </div>
  );
}
