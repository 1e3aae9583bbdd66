import { spawnSync } from "node:child_process";

/** Builds `dist` from the sources, for tests of the package. @throws {Error} With the compiler's output. */
export function ensureBuilt(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/prepare.mjs"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}
