import { signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { toast } from "../browser/page-state.ts";
import { remove } from "../browser/server.ts";
import type { PendingRemoval } from "../state/removal.ts";
import { Dialog } from "./dialog.tsx";

/** The removal that waits for confirmation. */
export const pendingRemoval = signal<PendingRemoval | undefined>(undefined);

export function Confirmation(): VNode | null {
  const removal = pendingRemoval.value;
  return removal === undefined ? null : <ConfirmationDialog key={removal.storeKey} removal={removal} />;
}

function ConfirmationDialog({ removal }: { removal: PendingRemoval }): VNode {
  const isBusy = useSignal(false);
  const problem = useSignal("");
  const close = (): void => {
    pendingRemoval.value = undefined;
  };
  const go = async (): Promise<void> => {
    isBusy.value = true;
    const reply = await remove([removal]);
    isBusy.value = false;
    if (reply.ok && reply.value.changed > 0) problem.value = "The key has changed since you looked. Look again";
    else if (reply.ok) {
      toast.value = {
        text: removal.verb === "Release" ? "Released. The key is free" : "Cleared. The event can fire again",
        isError: false,
      };
      close();
    } else {
      problem.value = reply.message;
    }
  };
  return (
    <Dialog title={removal.title} onClose={close}>
      <ul class="consequences">
        {removal.consequences.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <p class="problem" role="alert">
        {problem.value}
      </p>
      <div class="choices">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="button danger" disabled={isBusy.value} onClick={() => void go()}>
          {removal.verb}
        </button>
      </div>
    </Dialog>
  );
}
