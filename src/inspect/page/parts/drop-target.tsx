import type { VNode } from "preact";
import { isOverPage } from "../browser/files.ts";

export function DropTarget(): VNode | null {
  if (!isOverPage.value) return null;
  return (
    <div class="drop">
      <p>
        <strong>Drop the run here</strong>
        <span>
          A history or a counterexample of the testing kit, or a saved recording (NDJSON). It stays in this browser.
        </span>
      </p>
    </div>
  );
}
