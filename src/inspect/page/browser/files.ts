import { signal } from "@preact/signals";
import { counted } from "../../../internal/counted.ts";
import { errorMessage } from "../../../internal/error-message.ts";
import { readRecording } from "../state/playback.ts";
import { visibleText } from "../state/visible-text.ts";
import { goTo } from "./navigate.ts";
import { seek, toast } from "./page-state.ts";

/** True while a file is dragged over the page. */
export const isDragging = signal(false);

/** Opens a recording that is dropped anywhere on the page. */
export function listenForDrops(): void {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    isDragging.value = true;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) isDragging.value = false;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    isDragging.value = false;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) void openFile(file);
  });
}

export async function openFile(file: File): Promise<void> {
  try {
    const recording = readRecording(file.name, await file.text());
    seek(recording, recording.firstPosition);
    const storeKey = recording.trace[recording.position - 1]?.identity.storeKey;
    if (recording.violations.length > 0 && storeKey !== undefined) goTo({ view: "event", storeKey });
    toast.value = { text: `${file.name} is open: ${counted(recording.trace.length, "event")}`, isError: false };
  } catch (error) {
    toast.value = { text: `${file.name} cannot be opened. ${visibleText(errorMessage(error))}`, isError: true };
  }
}
