type Version = readonly [major: number, minor: number, patch: number];

/** The oldest server that keeps the guarantees; of the 2.12 series, its second. */
const MINIMUM: Version = [2, 11, 10];
const BROKEN: Version = [2, 12, 0];
/** With what is known by now to be mended in clusters. */
const ADVISED: Version = [2, 12, 6];
/** From here on the server takes batches that are stored as a whole or not at all. */
const FIRST_WITH_BATCHES: Version = [2, 12, 1];

export const NEEDED_SERVER = `${MINIMUM.join(".")} or later but ${BROKEN.join(".")}`;
export const ADVISED_SERVER = ADVISED.join(".");
export const WHY_NEEDED = "older servers let several writers win, or never end a reservation";

/** Whether a server of this version keeps the guarantees, and is one of those that are advised. */
export function judgeServer(version: string): "unusable" | "usable" | "advised" {
  const parts = partsOf(version);
  if (parts === undefined || isOlder(parts, MINIMUM) || parts.join() === BROKEN.join()) return "unusable";
  return isOlder(parts, ADVISED) ? "usable" : "advised";
}

export function hasBatches(version: string): boolean {
  const parts = partsOf(version);
  return parts !== undefined && !isOlder(parts, FIRST_WITH_BATCHES);
}

function partsOf(version: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

function isOlder(version: Version, than: Version): boolean {
  const index = than.findIndex((part, at) => part !== version[at]);
  return index !== -1 && Number(version[index]) < Number(than[index]);
}
