import type { VNode } from "preact";
import { TRACE_TYPES } from "../../trace/trace-event.ts";
import { notice, playback, session } from "../browser/board.ts";
import { saveRecording } from "../browser/server.ts";
import { Notices } from "../parts/notices.tsx";
import { TotalsChart } from "../parts/totals-chart.tsx";
import { kinds } from "../state/events.ts";
import { MANY_POINTS } from "../state/totals-chart.ts";
import { count } from "../state/words.ts";

export function TotalsView(): VNode {
  const { totals } = session();
  const seen = TRACE_TYPES.filter((type) => (totals[type] ?? 0) > 0);
  const save = async (): Promise<void> => {
    const saved = await saveRecording();
    notice.value = saved.ok
      ? { text: "The recording is saved", isError: false }
      : { text: saved.message, isError: true };
  };
  return (
    <div class="totals">
      <section class="panel wide" aria-labelledby="over-time">
        <div class="panel-head">
          <h2 id="over-time">Over time</h2>
          {playback.value === undefined && (
            <button type="button" class="button" onClick={() => void save()}>
              Save the recording
            </button>
          )}
        </div>
        <TotalsChart most={MANY_POINTS} height={200} />
      </section>
      <section class="panel" aria-labelledby="attention">
        <h2 id="attention">Needs a look</h2>
        <Notices most={100} />
      </section>
      <section class="panel" aria-labelledby="steps">
        <h2 id="steps">What was counted</h2>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">What it means</th>
              <th scope="col" class="number">
                Times
              </th>
            </tr>
          </thead>
          <tbody>
            {seen.map((type) => (
              <tr key={type}>
                <td>
                  <span class={`word ${kinds[type].tone}`}>{kinds[type].word}</span>
                </td>
                <td class="soft">{kinds[type].meaning}</td>
                <td class="number">{count(totals[type] ?? 0)}</td>
              </tr>
            ))}
            {seen.length === 0 && (
              <tr>
                <td colSpan={3}>Nothing has happened yet.</td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
    </div>
  );
}
