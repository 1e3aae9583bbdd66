import type { VNode } from "preact";
import type { PossibleStep } from "./simulation.ts";

/** Buttons for everything that can happen next. */
export function StepButtons({
  possible,
  pick,
}: {
  readonly possible: readonly PossibleStep[];
  readonly pick: (choice: number) => void;
}): VNode {
  if (possible.length === 0) return <p class="soft">Nothing. Undo a step, or restart.</p>;
  const faults = possible.filter(({ kind }) => kind === "fault");
  return (
    <>
      <ul class="steps">
        {possible
          .filter(({ kind }) => kind !== "fault")
          .map((step) => (
            <Step key={step.choice} step={step} pick={pick} />
          ))}
      </ul>
      {faults.length > 0 && (
        <details>
          <summary>…or a fault ({faults.length})</summary>
          <ul class="steps">
            {faults.map((step) => (
              <Step key={step.choice} step={step} pick={pick} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Step({ step, pick }: { readonly step: PossibleStep; readonly pick: (choice: number) => void }): VNode {
  return (
    <li>
      <button type="button" class={step.choice === 0 ? "main" : ""} onClick={() => pick(step.choice)}>
        {wordsOf(step)}
      </button>
    </li>
  );
}

function wordsOf({ task, label, kind }: PossibleStep): string {
  const text = label === "crash" ? "dies" : label === "freeze" ? "freezes" : label;
  return kind === "delivery" || (task === "time" && kind === "time") || label.startsWith(task)
    ? text
    : `${task}: ${text}`;
}
