import type { VNode } from "preact";
import { notice } from "../browser/board.ts";

export function NoticeBar(): VNode {
  const now = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {now !== undefined && (
        <p class={now.isError ? "notice error" : "notice"}>
          {now.text}
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => (notice.value = undefined)}>
            ×
          </button>
        </p>
      )}
    </div>
  );
}
