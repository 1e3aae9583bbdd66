import type { VNode } from "preact";
import { link } from "../browser/page-state.ts";

/** Shown before the first message. */
export function WaitingView(): VNode {
  const isLost = link.value.state === "lost";
  return (
    <section class="placeholder" aria-busy={!isLost}>
      <div class={isLost ? "emblem" : "emblem turning"} />
      <h2>{isLost ? "The inspector cannot be reached" : "Connecting to the inspector"}</h2>
      <p>
        {isLost ? "The page keeps trying. You can also drop the file of a recorded run here." : "This takes a moment."}
      </p>
    </section>
  );
}

/** Shown after the server refused the page. */
export function RefusedView({ message }: { message: string }): VNode {
  return (
    <section class="placeholder">
      <div class="emblem shut" />
      <h2>The inspector refused this page</h2>
      <p>{message}.</p>
      <p class="soft">You can still drop the file of a recorded run here.</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Try again
      </button>
    </section>
  );
}
