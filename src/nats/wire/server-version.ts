type Version = readonly [major: number, minor: number, patch: number];

/** First version whose replicated streams accept one writer per revision. */
const FIRST_WITH_ONE_WINNER: Version = [2, 9, 21];
/** First version that honours a message's time to live. */
const FIRST_WITH_TTL: Version = [2, 11, 0];
/** First version that removes every expired message. */
const MINIMUM: Version = [2, 11, 10];
/** Later than {@link MINIMUM}, but released without its fix. */
const BROKEN: Version = [2, 12, 0];
/** First version with the known faults of clusters fixed. */
const ADVISED: Version = [2, 12, 6];
/** First version with atomic batches. */
const FIRST_WITH_BATCHES: Version = [2, 12, 1];

/** First version that can use version 2 of the subjects of acknowledgements (`js_ack_fc_v2`), and the first that does by default. */
const FIRST_WITH_ACKS_2: Version = [2, 14, 0];
const FIRST_USING_ACKS_2: Version = [2, 16, 0];

/** Metadata entry with the version of the server that leads a stream or a consumer. Servers report it since 2.11. */
export const LEADER_VERSION_METADATA_KEY = "_nats.ver";

export const NEEDED_SERVER = `nats-server ${MINIMUM.join(".")} or later, and not ${BROKEN.join(".")}`;
export const ADVISED_SERVER = ADVISED.join(".");

/** Rates a server of this version: `usable` if it keeps the guarantees, and `advised` from {@link ADVISED} on. */
export function rateServerVersion(version: string): "unusable" | "usable" | "advised" {
  if (whyUnusable(version) !== undefined) return "unusable";
  const parts = partsOf(version);
  return parts === undefined || isOlder(parts, ADVISED) ? "usable" : "advised";
}

/** Returns why a server of this version cannot keep the guarantees; `undefined` if it can. */
export function whyUnusable(version: string): string | undefined {
  const parts = partsOf(version);
  if (parts === undefined) return "the server does not report a version that can be checked";
  if (isOlder(parts, FIRST_WITH_ONE_WINNER)) return "this version lets several writers win the same reservation";
  if (isOlder(parts, FIRST_WITH_TTL)) return "this version ignores the time to live, so a reservation never ends";
  if (isOlder(parts, MINIMUM) || parts.join() === BROKEN.join()) {
    return "this version can miss the end of a time to live, so a reservation may never end";
  }
  return undefined;
}

export function hasBatches(version: string): boolean {
  const parts = partsOf(version);
  return parts !== undefined && !isOlder(parts, FIRST_WITH_BATCHES);
}

/** Forms of the subjects of acknowledgements: the one that servers of this version use by default, and the one they can be set to. */
export function ackSubjectVersions(version: string): { readonly used: 1 | 2; readonly other: 1 | 2 | undefined } {
  const parts = partsOf(version);
  if (parts === undefined || isOlder(parts, FIRST_WITH_ACKS_2)) return { used: 1, other: undefined };
  return isOlder(parts, FIRST_USING_ACKS_2) ? { used: 1, other: 2 } : { used: 2, other: 1 };
}

function partsOf(version: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

function isOlder(version: Version, than: Version): boolean {
  const index = than.findIndex((part, at) => part !== version[at]);
  return index !== -1 && Number(version[index]) < Number(than[index]);
}
