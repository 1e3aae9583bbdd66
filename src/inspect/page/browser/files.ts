import { signal } from "@preact/signals";
import { readRecording } from "../state/playback.ts";
import { notice, seek } from "./board.ts";

/** Whether a file is being held over the page. */
export const isOverPage = signal(false);

/** Lets a recording be dropped anywhere on the page. */
export function takeDroppedFiles(): void {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    isOverPage.value = true;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) isOverPage.value = false;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    isOverPage.value = false;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) void openFile(file);
  });
}

export async function openFile(file: File): Promise<void> {
  try {
    const recording = readRecording(file.name, await file.text());
    seek(recording, recording.steps.length);
    notice.value = { text: `${file.name} is open: ${recording.steps.length} steps`, isError: false };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    notice.value = { text: `${file.name} cannot be opened. ${why}`, isError: true };
  }
}
