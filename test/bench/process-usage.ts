import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Resources that a process has used. */
export interface Usage {
  readonly residentBytes: number;
  readonly cpuMs: number;
}

/** Asks `ps` for the resources of a process. */
export async function usageOf(pid: number): Promise<Usage> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=,cputimes=", "-p", String(pid)]);
  const [rss = Number.NaN, seconds = Number.NaN] = stdout.trim().split(/\s+/).map(Number);
  return { residentBytes: rss * 1_024, cpuMs: seconds * 1_000 };
}
