import { spawnSync } from "node:child_process";

/** For tests that look at what users install: makes `dist` what the sources say. @throws {Error} with what the compiler printed. */
export function ensureBuilt(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/prepare.mjs"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}
