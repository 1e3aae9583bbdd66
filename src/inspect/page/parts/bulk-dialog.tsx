import { signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { amount } from "../../../internal/counted.ts";
import { toast } from "../browser/page-state.ts";
import { type BulkAction, type BulkProgress, NO_PROGRESS, runBulk } from "../state/bulk-action.ts";
import { Dialog } from "./dialog.tsx";

/** The action that waits for confirmation, or runs. */
export const pendingBulk = signal<BulkAction | undefined>(undefined);

export function BulkDialog(): VNode | null {
  const action = pendingBulk.value;
  return action === undefined ? null : <Question key={action.title} action={action} />;
}

type Phase = "asking" | "running" | "ended";

/**
 * Says what will happen, asks, and shows the progress, with a button that stops after the current item. Closes without a click
 * after an action on one item.
 */
function Question({ action }: { action: BulkAction }): VNode {
  const { title, consequences, verb, done: participle, size } = action;
  const phase = useSignal<Phase>("asking");
  const progress = useSignal<BulkProgress>(NO_PROGRESS);
  const stopping = useSignal(new AbortController());
  useEffect(() => () => stopping.value.abort(), []);
  const close = (): void => {
    stopping.value.abort();
    pendingBulk.value = undefined;
  };
  const go = async (): Promise<void> => {
    phase.value = "running";
    await runBulk(action, stopping.value.signal, (now) => {
      progress.value = now;
    });
    phase.value = "ended";
    if (size > 1 || progress.value.done < size) return;
    toast.value = { text: `${participle.charAt(0).toUpperCase()}${participle.slice(1)}`, isError: false };
    close();
  };
  const { done, left, notes, failure } = progress.value;
  return (
    <Dialog title={title} onClose={close}>
      {phase.value === "asking" ? (
        <ul class="consequences">
          {consequences.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      ) : (
        <div class="progress" role="status">
          <progress value={done + left} max={size} aria-label={title} />
          <p>
            {amount(done)} of {amount(size)} {participle}
            {left > 0 && `, ${amount(left)} left unchanged`}.
          </p>
          {notes.map((note) => (
            <p key={note} class="soft">
              {note}
            </p>
          ))}
        </div>
      )}
      <p class="problem" role="alert">
        {failure}
      </p>
      <div class="choices">
        {phase.value === "running" ? (
          <button type="button" class="button" onClick={() => stopping.value.abort()}>
            Stop
          </button>
        ) : (
          <button type="button" class="button" onClick={close}>
            {phase.value === "asking" ? "Cancel" : "Close"}
          </button>
        )}
        {phase.value === "asking" && (
          <button type="button" class="button danger" onClick={() => void go()}>
            {verb}
          </button>
        )}
      </div>
    </Dialog>
  );
}
