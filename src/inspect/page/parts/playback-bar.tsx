import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import { closeRecording, playback, renders, seek } from "../browser/page-state.ts";
import { servedRun } from "../browser/served-run.ts";
import { eventWords } from "../state/event-words.ts";
import { exactTime } from "../state/formats.ts";

/** Moves through a recording event by event. */
export function PlaybackBar(): VNode | null {
  const recording = playback.value;
  // The position is no signal. Reading the render count subscribes this component to it.
  if (renders.value < 0 || recording === undefined) return null;
  const { position, trace, name, violations, violationsHere } = recording;
  const event = trace[position - 1];
  const to = (next: number): void => seek(recording, Math.max(1, Math.min(trace.length, next)));
  const next = violations.find((violation) => violation.position > position) ?? violations[0];
  return (
    <section class={violationsHere.length > 0 ? "playback violated" : "playback"} aria-label="Recording">
      {violationsHere.map(({ guarantee, why }) => (
        <p key={why} class="violation" role="alert">
          <strong>This step breaks {guarantee}.</strong> {why}
        </p>
      ))}
      <strong class="file" title={name}>
        {name}
      </strong>
      <button type="button" onClick={() => to(position - 1)} disabled={position <= 1} aria-label="One step back">
        ‹
      </button>
      <input
        type="range"
        min={1}
        max={trace.length}
        value={position}
        aria-label="Position in the run"
        aria-valuetext={`step ${position} of ${trace.length}`}
        onInput={({ currentTarget }) => to(currentTarget.valueAsNumber)}
      />
      <button
        type="button"
        onClick={() => to(position + 1)}
        disabled={position >= trace.length}
        aria-label="One step forward"
      >
        ›
      </button>
      {next !== undefined && violationsHere.length === 0 && (
        <button type="button" class="button danger" onClick={() => to(next.position)}>
          Go to the violation
        </button>
      )}
      <span class="where">
        {amount(position)} of {amount(trace.length)}
        {event !== undefined && (
          <span class="soft">
            {" "}
            {exactTime(event.atMs)} · {event.replica} · {eventWords[event.type].word}
          </span>
        )}
      </span>
      {servedRun === undefined && (
        <button type="button" class="button" onClick={closeRecording}>
          Close
        </button>
      )}
    </section>
  );
}
