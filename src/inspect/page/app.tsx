import type { VNode } from "preact";
import { link, playback, route, session } from "./browser/board.ts";
import { Confirmation } from "./parts/confirmation.tsx";
import { DropTarget } from "./parts/drop-target.tsx";
import { Header } from "./parts/header.tsx";
import { Help } from "./parts/help.tsx";
import { Standing } from "./parts/key-state.tsx";
import { NoticeBar } from "./parts/notice-bar.tsx";
import { PlaybackBar } from "./parts/playback-bar.tsx";
import { AttemptsView } from "./views/attempts.tsx";
import { EventView } from "./views/event.tsx";
import { OverviewView } from "./views/overview.tsx";
import { RefusedView, WaitingView } from "./views/placeholders.tsx";
import { TotalsView } from "./views/totals.tsx";

export function App(): VNode {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <Standing />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <PlaybackBar />
      <NoticeBar />
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
    case "flights":
      return <AttemptsView />;
    case "totals":
      return <TotalsView />;
    case "event":
      return <EventView storeKey={at.storeKey} />;
  }
}
