import { spawnSync } from "node:child_process";

/** Builds `dist` from the sources, for tests of the package. @throws {Error} With the compiler's output. */
export function ensureBuilt(): void {
  // With vitest's NODE_ENV, Vite would put the development builds of the libraries into the pages.
  const { NODE_ENV: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/prepare.mjs"], { encoding: "utf8", env });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}
