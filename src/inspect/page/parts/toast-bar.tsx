import type { VNode } from "preact";
import { toast } from "../browser/page-state.ts";

export function ToastBar(): VNode {
  const now = toast.value;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {now !== undefined && (
        <p class={now.isError ? "toast error" : "toast"}>
          {now.text}
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => (toast.value = undefined)}>
            ×
          </button>
        </p>
      )}
    </div>
  );
}
