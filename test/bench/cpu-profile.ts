import { Session } from "node:inspector/promises";

/** Owners of the functions that the main thread ran, and the thread's own work, before anything ran. */
const NOTHING = {
  Latchkey: 0,
  XState: 0,
  "garbage collector": 0,
  "NATS client": 0,
  Node: 0,
  "other packages": 0,
  "the benchmark": 0,
};
type Owner = keyof typeof NOTHING;

/** Time of the main thread for each event, in microseconds. */
export interface CpuProfile {
  readonly byOwner: Readonly<Record<Owner, number>>;
  /** Functions by name and file, the longest first. */
  readonly byFunction: readonly (readonly [name: string, us: number])[];
}

const SAMPLE_EVERY_US = 200;
const LONGEST_FUNCTIONS = 15;

/** Profiles the main thread while `run` handles `count` events. */
export async function cpuProfileOf<Result>(
  count: number,
  run: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly profile: CpuProfile }> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
  await session.post("Profiler.start");
  const result = await run();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byOwner = { ...NOTHING };
  const byFunction = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const { functionName = "", url = "" } = frames.get(id) ?? {};
    const isOfProfiler = url === "node:inspector";
    if (functionName === "(idle)" || isOfProfiler) continue;
    const us = (timeDeltas[index] ?? 0) / count;
    const name = `${functionName || "(anonymous)"} ${url.split("/").slice(-2).join("/")}`.trim();
    byOwner[ownerOf(functionName, url)] += us;
    byFunction.set(name, (byFunction.get(name) ?? 0) + us);
  }
  const longest = [...byFunction].sort(([, one], [, other]) => other - one).slice(0, LONGEST_FUNCTIONS);
  return { result, profile: { byOwner, byFunction: longest } };
}

function ownerOf(functionName: string, url: string): Owner {
  if (functionName === "(garbage collector)") return "garbage collector";
  if (url === "" || url.startsWith("node:")) return "Node";
  if (url.includes("/xstate/")) return "XState";
  if (url.includes("/@nats-io/")) return "NATS client";
  if (url.includes("/node_modules/")) return "other packages";
  return url.includes("/dist/") ? "Latchkey" : "the benchmark";
}
