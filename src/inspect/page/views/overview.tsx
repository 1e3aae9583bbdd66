import type { VNode } from "preact";
import { session } from "../browser/board.ts";
import { isHelpOpen } from "../browser/keys.ts";
import { Machine, MachineTable } from "../parts/machine.tsx";
import { Notices } from "../parts/notices.tsx";
import { Recent } from "../parts/recent.tsx";
import { TotalsChart } from "../parts/totals-chart.tsx";
import { ledeOf } from "../state/lede.ts";

export function OverviewView(): VNode {
  return (
    <div class="overview">
      <Lede />
      <section class="panel machine-panel" aria-labelledby="machine">
        <h2 id="machine">The life of a key</h2>
        <Machine />
        <MachineTable />
      </section>
      <div class="side">
        <section class="panel" aria-labelledby="over-time">
          <h2 id="over-time">Over time</h2>
          <TotalsChart most={60} height={72} />
        </section>
        <section class="panel" aria-labelledby="attention">
          <h2 id="attention">Needs a look</h2>
          <Notices most={3} />
        </section>
        <section class="panel grows" aria-labelledby="recent">
          <h2 id="recent">Just now</h2>
          <Recent most={30} />
        </section>
      </div>
    </div>
  );
}

function Lede(): VNode {
  const now = session();
  const hasBegun = Object.keys(now.totals).length > 0;
  return (
    <div class="lede">
      <p class="lede-text">
        {hasBegun
          ? ledeOf(now).map(({ text, tone }, index) =>
              tone === undefined ? (
                text
              ) : (
                <b key={index} class={tone}>
                  {text}
                </b>
              ),
            )
          : "No event has come yet. As soon as one does, you see here how it is reserved, dispatched once, and committed."}
      </p>
      <p class="lede-note soft">
        {now.source?.sees === "cluster"
          ? "Seen from the store, of all replicas, since this inspector began. Duplicates and deliveries that were put back leave no trace there."
          : "An event that is delivered many times is dispatched once."}{" "}
        <button type="button" class="link" onClick={() => (isHelpOpen.value = true)}>
          How that works
        </button>
      </p>
    </div>
  );
}
