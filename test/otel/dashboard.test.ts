import { readFileSync } from "node:fs";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import type { DedupEventDetail } from "../../src/model/event.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { instrument } from "../../src/otel/instrument.ts";
import { operationOf } from "../../src/otel/metrics.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { startRecorder } from "./recorder.ts";

const dashboard = readFileSync("docs/telemetry/dashboard.json", "utf8");
const alerts = readFileSync("docs/telemetry/alerts.yaml", "utf8");
const page = readFileSync("docs/telemetry.md", "utf8");

const UNITS: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", "": "" };

/** Returns the names that OpenTelemetry's Prometheus exporter gives a metric. */
function prometheusNamesOf(metric: MetricData): readonly string[] {
  const { name, unit } = metric.descriptor;
  const base = `${name.replaceAll(".", "_")}${UNITS[unit] ?? ""}`;
  if (metric.dataPointType === DataPointType.HISTOGRAM) return ["_bucket", "_count", "_sum"].map((part) => base + part);
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? [`${base}_total`] : [base];
}

/** Records one value of every metric, and returns the names that Prometheus gets. */
async function prometheusNames(): Promise<{
  readonly names: ReadonlySet<string>;
  readonly documented: readonly string[];
}> {
  await using recorder = startRecorder();
  const dedup = new Deduplicator({ store: memoryStore() });
  const telemetry = instrument(dedup, { ...recorder, storeUsage: async () => ({ usedBytes: 1, limitBytes: 2 }) });
  await dedup.guard({ subscriptionId: "s", eventId: "e" }, () => {});
  telemetry.deadLettered("permanent-error");
  const delivery = { kind: "request", source: "github", headers: new Headers() } as const;
  await telemetry.trace(
    delivery,
    async () => {},
    () => ({ outcome: "204", failed: false }),
  );
  const metrics = await recorder.metrics();
  telemetry.stop();
  await dedup.close();
  return {
    names: new Set(metrics.flatMap(prometheusNamesOf)),
    documented: metrics.map(({ descriptor }) => descriptor.name),
  };
}

const fields = {
  identity: resolveIdentity({ subscriptionId: "s", eventId: "e" }),
  ...{ owner: "a", attempt: 1, fence: 1, revision: 1, atMs: 0, durationMs: 0 },
};
const error = new Error("x");
/** One event of every type and kind. */
const DETAILS: readonly DedupEventDetail[] = [
  { type: "reserved", leaseMs: 1 },
  { type: "renewed", leaseMs: 1 },
  { type: "dispatched" },
  { type: "failed", error },
  { type: "committed", commit: "confirmed" },
  { type: "committed", commit: "adopted" },
  { type: "superseded" },
  { type: "unconfirmed", error },
  { type: "released", left: "nothing" },
  { type: "released", left: "reservation" },
  { type: "expired", reason: "lease-ended" },
  { type: "duplicate", committedAt: 1 },
  { type: "pending", retryAfterMs: 1 },
  { type: "unprotected", error },
  { type: "store-unavailable", ambiguous: false, error },
  { type: "result-not-kept", error },
];
const OPERATIONS = DETAILS.map((detail) => operationOf({ ...fields, ...detail }));

describe("the dashboard and the alert rules", () => {
  it("use only metrics that exist, and the page lists every metric", async () => {
    const { names, documented } = await prometheusNames();
    const used = new Set(`${dashboard}${alerts}`.match(/\blatchkey_[a-z_]+/g));
    expect([...used].filter((name) => !names.has(name))).toEqual([]);
    expect(used.size).toBeGreaterThan(8);
    expect(documented.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("use only stages and outcomes that exist, and the page lists every one", () => {
    const known = new Set(OPERATIONS.map(({ stage, outcome }) => `${stage}/${outcome}`));
    const used = [...`${dashboard.replaceAll('\\"', '"')}${alerts}`.matchAll(/stage="(\w+)", outcome="([^"]+)"/g)];
    expect(used.length).toBeGreaterThan(4);
    expect(used.map(([, stage, outcome]) => `${stage}/${outcome}`).filter((one) => !known.has(one))).toEqual([]);
    const missing = OPERATIONS.filter(({ outcome }) => !page.includes(`\`${outcome}\``));
    expect(missing).toEqual([]);
  });

  it("explain every alert", () => {
    const rules = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name = ""]) => name);
    expect(rules).toHaveLength(5);
    expect(rules.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("are a dashboard in valid JSON", () => {
    const parsed: unknown = JSON.parse(dashboard);
    expect(parsed).toMatchObject({ title: "Latchkey", panels: expect.any(Array) });
  });
});
