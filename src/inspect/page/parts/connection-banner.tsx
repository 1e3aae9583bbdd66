import type { VNode } from "preact";
import { link, playback, session } from "../browser/page-state.ts";

/** Warns when the page may be out of date, with the reason. */
export function ConnectionBanner(): VNode {
  return <div aria-live="polite">{trouble()}</div>;
}

function trouble(): VNode | null {
  if (playback.value !== undefined) return null;
  const { source, trouble: storeTrouble } = session();
  if (link.value.state === "lost" && source !== undefined) {
    return (
      <p class="banner lost">
        <strong>Disconnected.</strong> The inspector has stopped or cannot be reached. The page shows the last known
        state and keeps reconnecting.
      </p>
    );
  }
  if (link.value.state === "live" && storeTrouble !== "") {
    return (
      <p class="banner lost">
        <strong>The store cannot be watched.</strong> {storeTrouble}. The inspector keeps trying.
      </p>
    );
  }
  return null;
}
