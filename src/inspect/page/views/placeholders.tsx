import type { VNode } from "preact";
import { link } from "../browser/board.ts";

/** Before anything was told. */
export function WaitingView(): VNode {
  const isLost = link.value.state === "lost";
  return (
    <section class="placeholder" aria-busy={!isLost}>
      <div class={isLost ? "emblem" : "emblem turning"} />
      <h2>{isLost ? "The service cannot be reached" : "Asking the service what it does"}</h2>
      <p>
        {isLost
          ? "It is asked again and again. A recorded run can be opened meanwhile: drop its file here."
          : "This takes a moment at most."}
      </p>
    </section>
  );
}

/** The server won't tell. */
export function RefusedView({ message }: { message: string }): VNode {
  return (
    <section class="placeholder">
      <div class="emblem shut" />
      <h2>The service does not let this page in</h2>
      <p>{message}.</p>
      <p class="soft">A recorded run can be opened all the same: drop its file here.</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Try again
      </button>
    </section>
  );
}
