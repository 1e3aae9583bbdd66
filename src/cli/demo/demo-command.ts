import { once } from "node:events";
import { Deduplicator } from "../../deduplicator.ts";
import { type Inspector, serveInspector } from "../../inspect/index.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import { withPeers } from "../connection/nats.ts";
import { natsAddress } from "../connection/nats-address.ts";
import { httpTarget } from "../run/target/http-target.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { type Backend, LEASE_MS, SKEW_MS } from "./broker/backend.ts";
import type { CommitTimes } from "./broker/commit-log.ts";
import { memoryBackend } from "./broker/memory-backend.ts";
import { startEndpoint } from "./endpoint.ts";
import { playScenario, REPLICAS, TIME_LIMIT_MS } from "./play-scenario.ts";
import { Fleet } from "./replicas/fleet.ts";
import { demoSummaryText, demoTexts } from "./report/demo-text.ts";
import { IncidentPrinter } from "./report/incident-printer.ts";
import { holdsGuarantees, summarize } from "./report/summary.ts";
import { seeded } from "./scenario/random.ts";
import { loadSamples } from "./scenario/samples.ts";
import { planScenario } from "./scenario/scenario.ts";

export interface DemoFlags {
  readonly seed?: number;
  readonly nats?: string;
  readonly creds?: string;
  readonly domain?: string;
  readonly apiPrefix?: string;
  readonly json?: boolean;
}

const CRASHES = 3;
const DURATION_MS = 5_000;
const SEEDS = 2 ** 31;

/** Runs a trigger service in one process, with redeliveries, refusals and crashes, and prints the summary. */
export async function demoCommand(flags: DemoFlags, io: CliIo): Promise<ExitCode> {
  const { clock } = io;
  const seed = flags.seed ?? Math.floor(io.random() * SEEDS);
  const random = seeded(seed);
  const samples = loadSamples(random);
  const scenario = planScenario({ lines: samples.lines, random, durationMs: DURATION_MS, crashes: CRASHES });
  const commits: CommitTimes = new Map();
  await using endpoint = await startEndpoint(scenario, clock);
  await using backend = await openBackend(flags, commits, io);
  await using inspector = flags.json === true ? undefined : await openInspector(backend.store, clock);
  using interruption = new Interruption(io, { drain: () => {}, abort: () => {} });
  const printer = new IncidentPrinter(io, flags.json !== true);
  await printer.opening({
    seed,
    samples: samples.what,
    events: scenario.events.size,
    sends: scenario.sends.length,
    backend: backend.what,
    replicas: REPLICAS,
    endpoint: endpoint.url.href,
    inspector: inspector?.url,
  });
  const target = httpTarget(endpoint.url, { clock });
  const fleet = new Fleet({
    backend,
    scenario,
    target,
    clock,
    onIncident: (incident) => printer.incident(incident),
    onDeduplicator: (dedup) => void inspector?.attach(dedup),
  });
  const end = await playScenario(scenario, backend, fleet, clock, interruption.drain);
  if (end === "interrupted") {
    await printer.text(demoTexts.interrupted);
    return exitCodes.interrupted;
  }
  if (end === "gave up") await printer.text(demoTexts.gaveUp(TIME_LIMIT_MS));
  const sent = new Set(scenario.events.keys());
  const summary = summarize({ sent, requests: endpoint.requests, broker: await backend.records(), commits });
  const exitCode = end === "settled" && holdsGuarantees(summary) ? exitCodes.ok : exitCodes.failed;
  await printer.text(demoSummaryText(summary, printer.elapsedMs, painter(io.out)));
  if (flags.json === true) await io.out.write(jsonLine({ seed, end, ...summary, exitCode }));
  if (inspector !== undefined && io.out.isTerminal) await untilInterrupted(inspector, printer, interruption.drain);
  return exitCode;
}

/** Opens an inspector for all replicas. Its own deduplicator dispatches nothing and gives access to the store. */
function openInspector(store: Store, clock: Clock): Promise<Inspector> {
  const dedup = new Deduplicator({ store, clock, owner: "operator", leaseMs: LEASE_MS, skewMs: SKEW_MS });
  return serveInspector({ dedup, clock, name: "the demo" });
}

/** Leaves the inspector open for the person at the terminal. */
async function untilInterrupted({ url }: Inspector, printer: IncidentPrinter, signal: AbortSignal): Promise<void> {
  await printer.text(demoTexts.staysOpen(url));
  if (!signal.aborted) await once(signal, "abort");
}

async function openBackend(flags: DemoFlags, commits: CommitTimes, io: CliIo): Promise<Backend> {
  if (flags.nats === undefined) return memoryBackend(io.clock, commits);
  const address = natsAddress(flags, io.env);
  const { natsBackend } = await withPeers(() => import("./broker/nats-backend.ts"));
  return await natsBackend(address, randomId(io), io.clock, commits);
}

/** Returns an id for this run: other runs on the server may use the same seed. */
function randomId(io: CliIo): string {
  return Array.from({ length: 8 }, () => Math.floor(io.random() * 36).toString(36)).join("");
}
