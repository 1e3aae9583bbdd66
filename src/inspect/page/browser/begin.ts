import { link, tick } from "./board.ts";
import { takeDroppedFiles } from "./files.ts";
import { takeKeys } from "./keys.ts";
import { followAddress } from "./navigate.ts";
import { follow, takeToken } from "./server.ts";
import { followTheme } from "./theme.ts";

/** How often what runs down is drawn anew. */
const TICK_MS = 250;

export function begin(): void {
  takeToken();
  followTheme();
  followAddress();
  takeKeys();
  takeDroppedFiles();
  follow();
  setInterval(() => {
    // What was told last stands still while nobody says how it goes on.
    if (link.value.state === "live") tick();
  }, TICK_MS);
}
