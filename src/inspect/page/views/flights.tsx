import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { session } from "../browser/board.ts";
import { FlightFilters } from "../parts/flight-filters.tsx";
import { FlightTable } from "../parts/flight-table.tsx";
import { BY_LEASE, FlightList, type FlightOrder, NO_FILTER } from "../state/flight-list.ts";
import { count, counted } from "../state/words.ts";

export function FlightsView(): VNode {
  const filter = useSignal(NO_FILTER);
  const order = useSignal<FlightOrder>(BY_LEASE);
  const list = useMemo(() => new FlightList(), []);
  const now = session();
  const rows = list.rows(now.flights, now.flightsVersion, filter.value, order.value);
  return (
    <div class="flights">
      <div class="view-head">
        <h2>In flight</h2>
        <p class="soft" role="status">
          {rows.length === now.flights.size
            ? `${counted(rows.length, "reservation")}, ${now.isComplete ? "those whose lease ends first on top" : "more are coming"}`
            : `${count(rows.length)} of ${counted(now.flights.size, "reservation")}`}
        </p>
        <FlightFilters filter={filter} />
      </div>
      <FlightTable rows={rows} order={order} isFiltered={rows.length < now.flights.size} />
    </div>
  );
}
