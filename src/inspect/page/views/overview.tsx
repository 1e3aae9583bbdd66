import type { VNode } from "preact";
import { isHelpOpen } from "../browser/keyboard.ts";
import { session } from "../browser/page-state.ts";
import { Machine, TransitionTable } from "../parts/machine.tsx";
import { Notices } from "../parts/notices.tsx";
import { RecentEvents } from "../parts/recent-events.tsx";
import { TotalsChart } from "../parts/totals-chart.tsx";
import { summaryOf } from "../state/summary.ts";

export function OverviewView(): VNode {
  return (
    <div class="overview">
      <Summary />
      <section class="panel machine-panel" aria-labelledby="machine">
        <h2 id="machine">Lifecycle of a key</h2>
        <Machine />
        <TransitionTable />
      </section>
      <div class="side">
        <section class="panel attention" aria-labelledby="attention">
          <h2 id="attention">Needs attention</h2>
          <Notices limit={3} />
        </section>
        <section class="panel" aria-labelledby="over-time">
          <h2 id="over-time">Over time</h2>
          <TotalsChart limit={60} height={72} />
        </section>
        <section class="panel grows" aria-labelledby="recent">
          <h2 id="recent">Latest activity</h2>
          <RecentEvents limit={30} />
        </section>
      </div>
    </div>
  );
}

function Summary(): VNode {
  const now = session();
  const hasEvents = Object.keys(now.totals).length > 0;
  return (
    <div class="summary">
      <p class="summary-text">
        {hasEvents
          ? summaryOf(now).map(({ text, tone }, index) =>
              tone === undefined ? (
                text
              ) : (
                <b key={index} class={tone}>
                  {text}
                </b>
              ),
            )
          : "No event has arrived yet. As soon as one does, this page shows how it is reserved, dispatched once, and committed."}
      </p>
      <p class="summary-note soft">
        {now.source?.sees === "cluster"
          ? "Counts of all replicas since the inspector started, as seen in the store. Duplicates and pending deliveries leave no trace there."
          : "An event that is delivered many times is dispatched once."}{" "}
        <button type="button" class="link" onClick={() => (isHelpOpen.value = true)}>
          How it works
        </button>
      </p>
    </div>
  );
}
