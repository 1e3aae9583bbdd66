import { span } from "../../inspect/conclusions/duration.ts";
import { OWN_API } from "../../nats/wire/bucket-address.ts";
import { ADVISED_SERVER, NEEDED_SERVER, rateServerVersion, whyUnusable } from "../../nats/wire/server-version.ts";
import { printable } from "../terminal/printable.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import type { MonitorReport } from "./monitor.ts";

const server = findingsAbout("server");

/** @param versions server versions by role; one server can have several roles. */
export function examineVersions(versions: Readonly<Record<string, string>>, isCluster: boolean): Finding {
  const named = Object.entries(versions).map(([what, version]) => `${version || "unknown"} (${what})`);
  const all = Object.values(versions);
  const upgrade = `upgrade to ${ADVISED_SERVER} or later`;
  const [why] = all.flatMap((version) => whyUnusable(version) ?? []);
  if (why !== undefined) {
    return server.error("version", `${named.join(", ")}: Latchkey needs ${NEEDED_SERVER}; ${why}`, upgrade);
  }
  if (all.every((version) => rateServerVersion(version) === "advised")) return server.ok("version", named.join(", "));
  const evidence = `${named.join(", ")}: keeps the guarantees, but lacks cluster fixes of later versions up to ${ADVISED_SERVER}`;
  return isCluster ? server.warning("version", evidence, upgrade) : server.note("version", evidence, upgrade);
}

/** Names the domain or account in which the bucket was looked for, unless it is the connection's own. */
export function examineDomain(apiPrefix: string, domain: string | undefined): readonly Finding[] {
  const isOwn = apiPrefix === OWN_API;
  if (isOwn && domain === undefined) return [];
  const where = domain === undefined ? "no domain" : `the domain ${printable(domain)}`;
  const evidence = `JetStream of ${where}${isOwn ? "" : `, through ${printable(apiPrefix)}`}: replicas with another domain use another bucket`;
  return [
    isOwn
      ? server.note("domain", evidence, "give --domain <name> if the replicas use another one")
      : server.ok("domain", evidence),
  ];
}

const SYNC = "set `sync_interval: always` in the `jetstream` block of every server";

/** @param monitored answers of the monitoring ports; a client cannot read this setting. */
export function examineSync(monitored: readonly MonitorReport[]): readonly Finding[] {
  if (monitored.length === 0) {
    const evidence = "not visible to a client: by default, a server acknowledges commits that a power failure can undo";
    return [server.note("sync_interval", evidence, `${SYNC}, and give --monitor <url> to check it`)];
  }
  return monitored.map((one) => {
    if ("failure" in one) {
      return server.note("sync_interval", `${one.url} could not be read: ${one.failure}`, "correct --monitor");
    }
    const { name, syncIntervalMs, isSyncedAlways } = one;
    if (isSyncedAlways) return server.ok("sync_interval", `${name} syncs every write`);
    const evidence = `${name} syncs every ${span(syncIntervalMs)}: a power failure can undo the latest commits, and their events run again`;
    return server.warning("sync_interval", evidence, SYNC);
  });
}
