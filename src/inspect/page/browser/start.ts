import { listenForDrops } from "./files.ts";
import { listenForKeys } from "./keyboard.ts";
import { followAddress } from "./navigate.ts";
import { link, tick } from "./page-state.ts";
import { openServedRun, servedRun } from "./served-run.ts";
import { followFeedWhileVisible, takeToken } from "./server.ts";
import { followTheme } from "./theme.ts";
import { followTitle } from "./title.ts";

/** Interval at which countdowns are redrawn. */
const TICK_MS = 250;

export function startPage(): void {
  takeToken();
  followTheme();
  followAddress();
  followTitle();
  listenForKeys();
  listenForDrops();
  if (servedRun === undefined) followFeedWhileVisible();
  else void openServedRun(servedRun);
  setInterval(() => {
    // Countdowns stop while the connection is lost, because the server's state is unknown.
    if (link.value.state === "live") tick();
  }, TICK_MS);
}
