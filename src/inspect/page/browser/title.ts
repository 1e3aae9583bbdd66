import { effect } from "@preact/signals";
import { openNotices } from "../state/summary.ts";
import { playback, session } from "./page-state.ts";

/** Shows in the browser's tab what is inspected, and how many items need attention. */
export function followTitle(): void {
  effect(() => {
    const now = session();
    const open = openNotices(now);
    const name = playback.value?.name ?? now.source?.name ?? "";
    const title = [...(open === 0 ? [] : [`(${open})`]), ...(name === "" ? [] : [name, "·"]), "Latchkey"].join(" ");
    if (document.title !== title) document.title = title;
  });
}
