import { shardNames } from "../../nats/kv/sharded-store.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const bucket = findingsAbout("bucket");

/** Checks that all shards of a bucket exist. */
export function examineShards(name: string, bucketNames: readonly string[]): readonly Finding[] {
  const numbers = [...new Set(bucketNames.map((one) => shardsIn(name, one)))];
  const missing = numbers.flatMap((shards) => shardNames(name, shards)).filter((one) => !bucketNames.includes(one));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const evidence = `${missing.join(", ")} ${missing.length === 1 ? "does" : "do"} not exist: no replica can start`;
    findings.push(bucket.error("shards", evidence, "start a replica that may create them, with the correct `shards`"));
  }
  if (numbers.length > 1) {
    const evidence = `buckets for ${numbers.join(" and ")} shards exist: replicas may use different keys`;
    findings.push(
      bucket.error("shards", evidence, "stop the replicas with the wrong `shards`, and delete their buckets"),
    );
  }
  const [only] = numbers;
  const isWell = findings.length === 0 && only !== undefined && only > 1;
  return isWell ? [bucket.ok("shards", `all ${only} shards exist`)] : findings;
}

function shardsIn(name: string, one: string): number {
  return one === name ? 1 : Number(one.slice(one.lastIndexOf("-") + 1));
}

/** Merges findings that several buckets share, and names the buckets of the others. */
export function mergedFindings(byBucket: ReadonlyMap<string, readonly Finding[]>): readonly Finding[] {
  const groups = new Map<string, { readonly finding: Finding; readonly names: string[] }>();
  for (const [name, findings] of byBucket) {
    for (const finding of findings) {
      const { area, check, severity, evidence } = finding;
      const what = JSON.stringify([area, check, severity, evidence]);
      const group = groups.get(what) ?? { finding, names: [] };
      group.names.push(name);
      groups.set(what, group);
    }
  }
  return [...groups.values()].map(({ finding, names }) => {
    const remedy =
      names.length > 1 && finding.remedy !== undefined
        ? `${finding.remedy}; repeat for the other buckets`
        : finding.remedy;
    const evidence = names.length === byBucket.size ? finding.evidence : `${names.join(", ")}: ${finding.evidence}`;
    return { ...finding, evidence, remedy };
  });
}
