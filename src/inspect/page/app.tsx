import type { VNode } from "preact";
import { link, playback, route, session } from "./browser/page-state.ts";
import { Confirmation } from "./parts/confirmation.tsx";
import { ConnectionBanner } from "./parts/connection-banner.tsx";
import { DropTarget } from "./parts/drop-target.tsx";
import { Header } from "./parts/header.tsx";
import { Help } from "./parts/help.tsx";
import { PlaybackBar } from "./parts/playback-bar.tsx";
import { ToastBar } from "./parts/toast-bar.tsx";
import { AttemptsView } from "./views/attempts.tsx";
import { EventView } from "./views/event.tsx";
import { OverviewView } from "./views/overview.tsx";
import { RefusedView, WaitingView } from "./views/placeholders.tsx";
import { TotalsView } from "./views/totals.tsx";

export function App(): VNode {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <PlaybackBar />
      <ToastBar />
      <DropTarget />
      <Confirmation />
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
    case "totals":
      return <TotalsView />;
    case "event":
      return <EventView storeKey={at.storeKey} />;
  }
}
