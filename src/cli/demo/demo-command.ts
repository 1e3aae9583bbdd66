import { once } from "node:events";
import { Deduplicator } from "../../deduplicator.ts";
import { type Inspector, serveInspector } from "../../inspect/index.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import { withPeers } from "../connection/nats.ts";
import { natsAddress } from "../connection/nats-address.ts";
import { httpTarget } from "../run/http-target.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { painter } from "../terminal/style.ts";
import type { Commits } from "./commit-log.ts";
import { startEndpoint } from "./endpoint.ts";
import { Fleet } from "./fleet.ts";
import { memoryWorld } from "./memory-world.ts";
import { Narrator } from "./narrator.ts";
import { PATIENCE_MS, play, REPLICAS } from "./play.ts";
import { loadSamples } from "./samples.ts";
import { planScenario } from "./scenario.ts";
import { seeded } from "./seeded.ts";
import { demoSentences, reckoningText } from "./sentences.ts";
import { isKept, reckon } from "./summary.ts";
import { LEASE_MS, SKEW_MS, type World } from "./world.ts";

export interface DemoFlags {
  readonly seed?: number;
  readonly nats?: string;
  readonly creds?: string;
  readonly json?: boolean;
}

const CRASHES = 3;
const DURATION_MS = 5_000;
const SEEDS = 2 ** 31;

/** A whole trigger service in one process, with everything that goes wrong in one, and the reckoning. */
export async function demoCommand(flags: DemoFlags, io: CliIo): Promise<ExitCode> {
  const { clock } = io;
  const seed = flags.seed ?? Math.floor(io.random() * SEEDS);
  const chance = seeded(seed);
  const samples = loadSamples(chance);
  const scenario = planScenario({ lines: samples.lines, chance, durationMs: DURATION_MS, crashes: CRASHES });
  const commits: Commits = new Map();
  await using endpoint = await startEndpoint(scenario, clock);
  await using world = await openWorld(flags, commits, io);
  await using inspector = flags.json === true ? undefined : await openInspector(world.store, clock);
  using interruption = new Interruption(io, { drain: () => {}, abort: () => {} });
  const narrator = new Narrator(io, flags.json !== true);
  await narrator.opening({
    seed,
    samples: samples.what,
    events: scenario.events.size,
    sendings: scenario.sendings.length,
    world: world.what,
    replicas: REPLICAS,
    endpoint: endpoint.url.href,
    inspector: inspector?.url,
  });
  const target = httpTarget(endpoint.url, clock);
  const fleet = new Fleet({
    world,
    scenario,
    target,
    clock,
    tell: (incident) => narrator.incident(incident),
    works: (dedup) => void inspector?.attach(dedup),
  });
  const end = await play(scenario, world, fleet, clock, interruption.drain);
  if (end === "interrupted") {
    await narrator.text(demoSentences.interrupted);
    return exitCodes.interrupted;
  }
  if (end === "gave up") await narrator.text(demoSentences.gaveUp(PATIENCE_MS));
  const sent = new Set(scenario.events.keys());
  const reckoning = reckon({ sent, requests: endpoint.books, broker: await world.books(), commits });
  const exitCode = end === "settled" && isKept(reckoning) ? exitCodes.ok : exitCodes.failed;
  await narrator.text(reckoningText(reckoning, narrator.elapsedMs, painter(io.out)));
  if (flags.json === true) await io.out.write(`${JSON.stringify({ seed, end, ...reckoning, exitCode })}\n`);
  if (inspector !== undefined && io.out.isTerminal) await untilInterrupted(inspector, narrator, interruption.drain);
  return exitCode;
}

/** An inspector of all replicas: of what each of them tells, and of the store by way of a deduplicator that dispatches nothing. */
function openInspector(store: Store, clock: Clock): Promise<Inspector> {
  const dedup = new Deduplicator({ store, clock, owner: "operator", leaseMs: LEASE_MS, skewMs: SKEW_MS });
  return serveInspector({ dedup, clock, name: "the demo" });
}

/** There is somebody at the terminal who may want to look around. */
async function untilInterrupted({ url }: Inspector, narrator: Narrator, signal: AbortSignal): Promise<void> {
  await narrator.text(demoSentences.staysOpen(url));
  if (!signal.aborted) await once(signal, "abort");
}

async function openWorld(flags: DemoFlags, commits: Commits, io: CliIo): Promise<World> {
  if (flags.nats === undefined) return memoryWorld(io.clock, commits);
  const address = natsAddress(flags, io.env);
  const { natsWorld } = await withPeers(() => import("./nats-world.ts"));
  return await natsWorld(address, randomId(io), io.clock, commits);
}

/** Of this run alone, among others on the server that may have the same seed. */
function randomId(io: CliIo): string {
  return Array.from({ length: 8 }, () => Math.floor(io.random() * 36).toString(36)).join("");
}
