import type { VNode } from "preact";
import { closeRecording, drawn, playback, seek } from "../browser/board.ts";
import { kinds } from "../state/events.ts";
import { count, exactTime } from "../state/words.ts";

/** Moves through a recording, step by step. */
export function PlaybackBar(): VNode | null {
  const recording = playback.value;
  // Where it stands is no signal: it is drawn again with everything else.
  if (drawn.value < 0 || recording === undefined) return null;
  const { position, steps, name } = recording;
  const step = steps[position - 1];
  const to = (next: number): void => seek(recording, Math.max(1, Math.min(steps.length, next)));
  return (
    <section class="playback" aria-label="Recording">
      <strong class="file" title={name}>
        {name}
      </strong>
      <button type="button" onClick={() => to(position - 1)} disabled={position <= 1} aria-label="One step back">
        ‹
      </button>
      <input
        type="range"
        min={1}
        max={steps.length}
        value={position}
        aria-label="How far the run has come"
        aria-valuetext={`step ${position} of ${steps.length}`}
        onInput={({ currentTarget }) => to(currentTarget.valueAsNumber)}
      />
      <button
        type="button"
        onClick={() => to(position + 1)}
        disabled={position >= steps.length}
        aria-label="One step on"
      >
        ›
      </button>
      <span class="where">
        {count(position)} of {count(steps.length)}
        {step !== undefined && (
          <span class="soft">
            {" "}
            {exactTime(step.atMs)} · {step.replica} · {kinds[step.type].word}
          </span>
        )}
      </span>
      <button type="button" class="button" onClick={closeRecording}>
        Close
      </button>
    </section>
  );
}
