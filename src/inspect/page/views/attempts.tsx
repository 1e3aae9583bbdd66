import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { amount, counted } from "../../../internal/counted.ts";
import { session } from "../browser/page-state.ts";
import { AttemptFilters } from "../parts/attempt-filters.tsx";
import { AttemptTable } from "../parts/attempt-table.tsx";
import { AttemptList, type AttemptSorting, BY_URGENCY, NO_FILTER } from "../state/attempt-list.ts";
import { sharedNames, sharedWords } from "../state/shared-names.ts";

export function AttemptsView(): VNode {
  const filter = useSignal(NO_FILTER);
  const order = useSignal<AttemptSorting>(BY_URGENCY);
  const list = useMemo(() => new AttemptList(), []);
  const now = session();
  const rows = list.rows(now.attempts, now.attemptsVersion, filter.value, order.value);
  const shared = useMemo(() => sharedNames(rows), [rows]);
  const words = sharedWords(shared);
  return (
    <div class="in-flight">
      <div class="view-head">
        <h2>In flight</h2>
        <p class="soft" role="status">
          {rows.length === now.attempts.size
            ? `${counted(rows.length, "reservation")}, ${now.isComplete ? "most urgent first" : "loading more"}`
            : `${amount(rows.length)} of ${counted(now.attempts.size, "reservation")}`}
        </p>
        {words !== "" && <p class="shared soft">{words}</p>}
        <AttemptFilters filter={filter} />
      </div>
      <AttemptTable rows={rows} shared={shared} order={order} isFiltered={rows.length < now.attempts.size} />
    </div>
  );
}
