import { type FakeIoOptions, run } from "../cli/support/fake-io.ts";
import type { NatsServer } from "./nats-server.ts";

type Finding = Readonly<Record<string, unknown>>;

/** Result of `latchkey doctor`. */
export interface Diagnosis {
  readonly exitCode: number;
  readonly findings: readonly Finding[];
  readonly summary: Finding | undefined;
  /** Findings that are neither `ok` nor usual for a single server, as `<severity> <area> <check>`. */
  readonly bad: readonly string[];
  /** Returns the findings of an area and check. */
  readonly of: (area: string, check: string) => readonly Finding[];
}

/** Notes about a single server without a monitoring port, a limit and a consumer. */
const USUAL = [
  "note server sync_interval",
  "note bucket num_replicas",
  "note bucket max_bytes",
  "note consumer consumer",
];

/** Runs `latchkey doctor --json`. */
export async function diagnosed(
  server: Pick<NatsServer, "url">,
  argv: readonly string[],
  options: FakeIoOptions = {},
): Promise<Diagnosis> {
  const env = { NATS_URL: server.url, ...options.env };
  const { exitCode, objects, err } = await run(["doctor", ...argv, "--json"], { ...options, env });
  if (err !== "") throw new Error(err);
  const findings = objects().slice(0, -1);
  const nameOf = ({ severity, area, check }: Finding): string => [severity, area, check].map(String).join(" ");
  return {
    exitCode,
    findings,
    summary: objects().at(-1),
    bad: findings.map(nameOf).filter((name) => !name.startsWith("ok ") && !USUAL.includes(name)),
    of: (area, check) => findings.filter((one) => one["area"] === area && one["check"] === check),
  };
}
