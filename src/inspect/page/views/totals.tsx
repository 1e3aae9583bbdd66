import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import { TRACE_TYPES } from "../../trace/trace-event.ts";
import { playback, session, toast } from "../browser/page-state.ts";
import { saveRecording } from "../browser/server.ts";
import { Notices } from "../parts/notices.tsx";
import { TotalsChart } from "../parts/totals-chart.tsx";
import { eventWords } from "../state/event-words.ts";
import { MAX_POINTS } from "../state/totals-chart.ts";

export function TotalsView(): VNode {
  const { totals } = session();
  const occurred = TRACE_TYPES.filter((type) => (totals[type] ?? 0) > 0);
  const save = async (): Promise<void> => {
    const saved = await saveRecording();
    toast.value = saved.ok
      ? { text: "The recording was saved", isError: false }
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
        <TotalsChart limit={MAX_POINTS} height={200} />
      </section>
      <section class="panel" aria-labelledby="attention">
        <h2 id="attention">Needs attention</h2>
        <Notices limit={100} />
      </section>
      <section class="panel" aria-labelledby="types">
        <h2 id="types">Totals by type</h2>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col">Meaning</th>
              <th scope="col" class="number">
                Count
              </th>
            </tr>
          </thead>
          <tbody>
            {occurred.map((type) => (
              <tr key={type}>
                <td>
                  <span class={`word ${eventWords[type].tone}`}>{eventWords[type].word}</span>
                </td>
                <td class="soft">{eventWords[type].meaning}</td>
                <td class="number">{amount(totals[type] ?? 0)}</td>
              </tr>
            ))}
            {occurred.length === 0 && (
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
