import { readFileSync } from "node:fs";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { DEAD_LETTER_REASONS } from "../../src/model/dead-letter.ts";
import type { Operation } from "../../src/model/measurement.ts";
import { instrument } from "../../src/otel/instrument.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { startRecorder } from "./recorder.ts";

const dashboard = readFileSync("docs/telemetry/dashboard.json", "utf8");
const alerts = readFileSync("docs/telemetry/alerts.yaml", "utf8");
const page = readFileSync("docs/telemetry.md", "utf8");

/** Units as the Collector and Prometheus' OTLP receiver append them to a name. OpenTelemetry's exporter for JavaScript does not. */
const UNITS: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", "": "" };

/** Returns the names that a metric has in Prometheus, with or without its unit. */
function prometheusNamesOf(metric: MetricData, withUnit: boolean): readonly string[] {
  const { name, unit } = metric.descriptor;
  const base = `${name.replaceAll(".", "_")}${withUnit ? (UNITS[unit] ?? "") : ""}`;
  if (metric.dataPointType === DataPointType.HISTOGRAM) return ["_bucket", "_count", "_sum"].map((part) => base + part);
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? [`${base}_total`] : [base];
}

/** Names of metrics in expressions, as regular expressions. */
function selectorsOf(text: string): readonly RegExp[] {
  const names = text.replaceAll('\\"', '"').match(/\blatchkey_[a-z_()?]+(?=["{[)\s])/g) ?? [];
  return [...new Set(names)].map((name) => new RegExp(`^${name.replace(/\)+$/, "")}$`));
}

/** Records one value of every metric, and returns the names that Prometheus gets. */
async function prometheusNames(): Promise<{
  readonly withUnits: readonly string[];
  readonly withoutUnits: readonly string[];
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
    withUnits: metrics.flatMap((metric) => prometheusNamesOf(metric, true)),
    withoutUnits: metrics.flatMap((metric) => prometheusNamesOf(metric, false)),
    documented: metrics.map(({ descriptor }) => descriptor.name),
  };
}

type OutcomeOf<Stage> = Extract<Operation, { readonly stage: Stage }>["outcome"];
const OUTCOMES: { readonly [Stage in Operation["stage"]]: Readonly<Record<OutcomeOf<Stage>, true>> } = {
  reserve: { unseen: true, duplicate: true, mismatch: true, pending: true, unprotected: true },
  dispatch: { returned: true, threw: true },
  commit: { confirmed: true, adopted: true, superseded: true, unconfirmed: true, "result-not-kept": true },
  lease: { renewed: true, expired: true, released: true, "left to expire": true },
  store: { unavailable: true },
};
const OPERATIONS = Object.entries(OUTCOMES).flatMap(([stage, outcomes]) =>
  Object.keys(outcomes).map((outcome) => ({ stage, outcome })),
);

describe("the dashboard and the alert rules", () => {
  it("use only metrics that exist, with and without units in their names, and the page lists every metric", async () => {
    const { withUnits, withoutUnits, documented } = await prometheusNames();
    const selectors = selectorsOf(`${dashboard}${alerts}`);
    expect(selectors.length).toBeGreaterThan(8);
    for (const names of [withUnits, withoutUnits])
      expect(selectors.filter((selector) => !names.some((name) => selector.test(name)))).toEqual([]);
    expect(documented.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("alert at the first increase, because its series exists before", async () => {
    await using recorder = startRecorder();
    instrument(new Deduplicator({ store: memoryStore() }), recorder);
    const points = await recorder.points();
    const metrics = [...alerts.matchAll(/increase\((latchkey_\w+)_total(?:\{stage="(\w+)", outcome="(\w+)"\})?\[/g)];
    expect(metrics).toHaveLength(2);
    for (const [, metric = "", stage, outcome] of metrics) {
      const name = metric.replace("latchkey_", "latchkey.");
      const labels = stage === undefined ? DEAD_LETTER_REASONS.map((reason) => ({ reason })) : [{ stage, outcome }];
      const zeros = labels.map((attributes) => ({ attributes, value: 0 }));
      expect(points.get(name)).toEqual(expect.arrayContaining(zeros));
    }
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
