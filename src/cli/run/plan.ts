import { text } from "../../internal/validate.ts";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import { type NatsAddress, natsAddress } from "../connection/nats-address.ts";
import { UnusableError, usable } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";

/** The options of `latchkey run`, as they were given. */
export interface RunFlags {
  readonly file?: string;
  readonly stream?: string;
  readonly consumer?: string;
  readonly deadLetter?: string;
  readonly to?: string;
  readonly exec?: readonly string[];
  readonly subscription?: string;
  readonly workspace?: string;
  readonly concurrency?: number;
  readonly attempts?: number;
  readonly timeout?: number;
  readonly lease?: number;
  readonly window?: number;
  readonly bucket?: string;
  readonly nats?: string;
  readonly creds?: string;
  readonly json?: boolean;
}

interface PlanFields {
  readonly target:
    | { readonly to: "endpoint"; readonly url: URL }
    | { readonly to: "command"; readonly command: readonly [string, ...string[]] };
  readonly subscriptionId: string;
  readonly workspaceId: string;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Undefined: what the environment says, or the default. */
  readonly leaseMs: number | undefined;
  readonly windowMs: number | undefined;
  /** Undefined: what was dispatched is remembered in this process only. */
  readonly bucket: string | undefined;
  readonly json: boolean;
}

/** What a run over lines does, with nothing left open. */
export interface LinesPlan extends PlanFields {
  readonly from: "lines";
  /** `-` is standard input. */
  readonly path: string;
  readonly attempts: number;
  /** Undefined when no server is needed. */
  readonly nats: NatsAddress | undefined;
}

/** What a run over a stream does, with nothing left open. */
export interface StreamPlan extends PlanFields {
  readonly from: "stream";
  readonly stream: string;
  readonly consumer: string;
  readonly deadLetter: string | undefined;
  readonly attempts: number | undefined;
  readonly nats: NatsAddress;
}

export type RunPlan = LinesPlan | StreamPlan;

export const DEFAULT_SUBSCRIPTION = "run";
export const DEFAULT_CONCURRENCY = 16;
export const DEFAULT_ATTEMPTS = 3;
export const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws {UnusableError} when the options do not make a run. */
export function planRun(flags: RunFlags, io: Pick<CliIo, "env" | "inputIsTerminal">): RunPlan {
  const { file, stream, consumer, bucket } = flags;
  const subscription =
    flags.subscription === undefined ? undefined : usable(() => text("--subscription", flags.subscription));
  const fields = {
    target: planTarget(flags),
    workspaceId: usable(() => text("--workspace", flags.workspace ?? DEFAULT_WORKSPACE)),
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS,
    leaseMs: flags.lease,
    windowMs: flags.window,
    bucket,
    json: flags.json ?? false,
  };
  if (stream !== undefined || consumer !== undefined) {
    if (stream === undefined || consumer === undefined || file !== undefined)
      throw new UnusableError(sentences.oneInput);
    return {
      ...fields,
      from: "stream",
      stream,
      consumer,
      subscriptionId: subscription ?? `${stream}/${consumer}`,
      deadLetter: flags.deadLetter,
      attempts: flags.attempts,
      nats: natsAddress(flags, io.env),
    };
  }
  if (flags.deadLetter !== undefined) throw new UnusableError(sentences.streamOnly("--dead-letter"));
  if (file === undefined && io.inputIsTerminal) throw new UnusableError(sentences.nothingToRead);
  if (bucket !== undefined && subscription === undefined) throw new UnusableError(sentences.bucketNeedsSubscription);
  return {
    ...fields,
    from: "lines",
    path: file ?? "-",
    subscriptionId: subscription ?? DEFAULT_SUBSCRIPTION,
    attempts: flags.attempts ?? DEFAULT_ATTEMPTS,
    nats: bucket === undefined ? undefined : natsAddress(flags, io.env),
  };
}

function planTarget({ to, exec }: RunFlags): RunPlan["target"] {
  if ((to === undefined) === (exec === undefined)) throw new UnusableError(sentences.oneTarget);
  if (to !== undefined) {
    const url = URL.canParse(to) ? new URL(to) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) throw new UnusableError(sentences.notHttp(to));
    return { to: "endpoint", url };
  }
  const [program, ...args] = exec ?? [];
  if (program === undefined) throw new UnusableError(sentences.execNeedsCommand);
  return { to: "command", command: [program, ...args] };
}
