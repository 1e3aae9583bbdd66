import { openFile } from "./files.ts";

/** Name of the run that the server was started for, or `undefined` if it serves a live feed. */
export const servedRun = document.querySelector("meta[name=latchkey-run]")?.getAttribute("content") ?? undefined;

/** Opens the run that the server was started for. */
export async function openServedRun(name: string): Promise<void> {
  const response = await fetch("api/run");
  await openFile(new File([await response.blob()], name));
}
