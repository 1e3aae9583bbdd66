import type { VNode } from "preact";
import { link, playback, session } from "../browser/board.ts";

/** Says when what is shown may be out of date, and why. */
export function Standing(): VNode {
  return <div aria-live="polite">{trouble()}</div>;
}

function trouble(): VNode | null {
  if (playback.value !== undefined) return null;
  const { source, trouble: storeTrouble } = session();
  if (link.value.state === "lost" && source !== undefined) {
    return (
      <p class="standing lost">
        <strong>Disconnected.</strong> The service has closed, or cannot be reached. What you see is how it was; the
        page connects again by itself.
      </p>
    );
  }
  if (link.value.state === "live" && storeTrouble !== "") {
    return (
      <p class="standing lost">
        <strong>The store cannot be watched.</strong> {storeTrouble}. It is tried again.
      </p>
    );
  }
  return null;
}
