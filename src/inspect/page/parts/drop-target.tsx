import type { VNode } from "preact";
import { isDragging } from "../browser/files.ts";

export function DropTarget(): VNode | null {
  if (!isDragging.value) return null;
  return (
    <div class="drop">
      <p>
        <strong>Drop the run here</strong>
        <span>
          A history or counterexample of the testing kit, or a saved recording (NDJSON). The file stays in this browser.
        </span>
      </p>
    </div>
  );
}
