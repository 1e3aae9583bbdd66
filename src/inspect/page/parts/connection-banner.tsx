import type { VNode } from "preact";
import { link, nowMs, playback, session } from "../browser/page-state.ts";
import { span, time } from "../state/formats.ts";

/** Time for which a recovery is shown, in milliseconds. */
const RECOVERY_SHOWN_MS = 60_000;

/** Warns when the server or the store is unavailable, and reports when the store is back. */
export function ConnectionBanner(): VNode {
  return <div aria-live="polite">{banner()}</div>;
}

function banner(): VNode | null {
  if (playback.value !== undefined) return null;
  const { source, store } = session();
  if (link.value.state === "lost" && source !== undefined) {
    return (
      <p class="banner lost">
        <strong>Disconnected.</strong> The inspector has stopped or cannot be reached. The page shows the last known
        state and keeps reconnecting.
      </p>
    );
  }
  if (link.value.state !== "live") return null;
  if (store.state === "unavailable") {
    return (
      <p class="banner lost">
        <strong>Store unavailable since {time(store.sinceMs)}.</strong> {store.reason}. The page shows the last known
        state and concludes nothing until the store is back.
      </p>
    );
  }
  const { outage } = store;
  if (outage === undefined || nowMs.value - outage.toMs > RECOVERY_SHOWN_MS) return null;
  return (
    <p class="banner recovered">
      <strong>Store available again since {time(outage.toMs)}.</strong> The outage lasted{" "}
      {span(outage.toMs - outage.fromMs)}.
    </p>
  );
}
