import type { VNode } from "preact";
import { link, playback, route, session } from "./browser/page-state.ts";
import { BulkDialog } from "./parts/bulk-dialog.tsx";
import { ConnectionBanner } from "./parts/connection-banner.tsx";
import { DropTarget } from "./parts/drop-target.tsx";
import { Help } from "./parts/help.tsx";
import { PageHeader } from "./parts/page-header.tsx";
import { PlaybackBar } from "./parts/playback-bar.tsx";
import { ToastBar } from "./parts/toast-bar.tsx";
import { AttemptsView } from "./views/attempts.tsx";
import { DeadLettersView } from "./views/dead-letters.tsx";
import { EventView } from "./views/event.tsx";
import { KeysView } from "./views/keys.tsx";
import { OverviewView } from "./views/overview.tsx";
import { RefusedView, WaitingView } from "./views/placeholders.tsx";
import { TotalsView } from "./views/totals.tsx";

export function App(): VNode {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <PageHeader />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <PlaybackBar />
      <ToastBar />
      <DropTarget />
      <BulkDialog />
      <Help />
    </>
  );
}

function View(): VNode {
  const at = route.value;
  if (playback.value === undefined) {
    if (link.value.state === "refused") return <RefusedView message={link.value.message} />;
    if (session().source === undefined) return <WaitingView />;
  }
  switch (at.view) {
    case "overview":
      return <OverviewView />;
    case "in-flight":
      return <AttemptsView />;
    case "keys":
      return <KeysView query={at.query} />;
    case "dead":
      return <DeadLettersView />;
    case "totals":
      return <TotalsView />;
    case "event":
      return <EventView storeKey={at.storeKey} />;
  }
}
