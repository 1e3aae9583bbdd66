import { maxAttemptsFromEnv } from "../../env.ts";
import { text } from "../../internal/validate.ts";
import { firstOf, type IdSelector, parseSelector } from "../../model/identify/id-selector.ts";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import type { PriorityGroup } from "../../nats/consumer/priority-group.ts";
import { type GroupFlags, groupFrom } from "../connection/group-options.ts";
import { type NatsAddress, natsAddress } from "../connection/nats-address.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import type { Selection } from "./event/read-event.ts";
import { proxyFor } from "./target/proxy.ts";
import { parseHeaders } from "./target/request-headers.ts";

/** Parsed options of `latchkey run`. */
export interface RunFlags extends GroupFlags {
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
  readonly domain?: string;
  readonly apiPrefix?: string;
  readonly replicas?: number;
  readonly json?: boolean;
  readonly id?: readonly string[];
  readonly type?: string;
  readonly subject?: string;
  readonly header?: readonly string[];
  readonly keyPerAttempt?: boolean;
}

interface PlanFields {
  readonly target:
    | {
        readonly to: "endpoint";
        readonly url: URL;
        readonly proxy: URL | undefined;
        readonly headers: Readonly<Record<string, string>>;
        readonly keyPerAttempt: boolean;
      }
    | { readonly to: "command"; readonly command: readonly [string, ...string[]] };
  readonly subscriptionId: string;
  readonly workspaceId: string;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Undefined for the value of the environment, or the default. */
  readonly leaseMs: number | undefined;
  readonly windowMs: number | undefined;
  /** Undefined to store keys in memory. */
  readonly bucket: string | undefined;
  /** Number of servers that store a new bucket; undefined for the default. */
  readonly replicas: number | undefined;
  readonly json: boolean;
  /** Fields that identify and describe the events. */
  readonly selection: Selection;
}

/** Resolved settings of a run over lines. */
export interface LinesPlan extends PlanFields {
  readonly from: "lines";
  /** `-` for standard input. */
  readonly path: string;
  readonly attempts: number;
  /** Undefined if no server is needed. */
  readonly nats: NatsAddress | undefined;
}

/** Resolved settings of a run over a stream. */
export interface StreamPlan extends PlanFields {
  readonly from: "stream";
  readonly stream: string;
  readonly consumer: string;
  readonly deadLetter: string | undefined;
  readonly attempts: number | undefined;
  /** Priority group of this replica, for a consumer with groups. */
  readonly group: PriorityGroup | undefined;
  readonly nats: NatsAddress;
}

export type RunPlan = LinesPlan | StreamPlan;

export const DEFAULT_SUBSCRIPTION = "run";
export const DEFAULT_RUN_CONCURRENCY = 16;
export const DEFAULT_ATTEMPTS = 3;
export const DEFAULT_TIMEOUT_MS = 30_000;

/** Resolves the options. @throws {CommandError} for an invalid combination. */
export function planRun(flags: RunFlags, io: Pick<CliIo, "env" | "inputIsTerminal">): RunPlan {
  const { file, stream, consumer, bucket } = flags;
  const subscription =
    flags.subscription === undefined ? undefined : asCommandError(() => text("--subscription", flags.subscription));
  const attemptsFromEnv = asCommandError(() => maxAttemptsFromEnv(io.env));
  const fields = {
    target: planTarget(flags, io.env),
    selection: planSelection(flags),
    workspaceId: asCommandError(() => text("--workspace", flags.workspace ?? DEFAULT_WORKSPACE)),
    concurrency: flags.concurrency ?? DEFAULT_RUN_CONCURRENCY,
    timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS,
    leaseMs: flags.lease,
    windowMs: flags.window,
    bucket,
    replicas: flags.replicas,
    json: flags.json ?? false,
  };
  const group = groupFrom(flags);
  if (stream !== undefined || consumer !== undefined) {
    if (stream === undefined || consumer === undefined || file !== undefined)
      throw new CommandError("Give one input: --file, or --stream together with --consumer");
    return {
      ...fields,
      from: "stream",
      stream,
      consumer,
      subscriptionId: subscription ?? `${stream}/${consumer}`,
      deadLetter: flags.deadLetter,
      attempts: flags.attempts ?? attemptsFromEnv,
      group,
      nats: natsAddress(flags, io.env),
    };
  }
  if (flags.deadLetter !== undefined) throw new CommandError("--dead-letter needs --stream");
  if (group !== undefined) throw new CommandError("--group needs --stream");
  if (file === undefined && io.inputIsTerminal)
    throw new CommandError(
      "Nothing to read: pipe lines into standard input, or give --file, or --stream and --consumer",
    );
  if (bucket !== undefined && subscription === undefined)
    throw new CommandError("--bucket needs --subscription: all runs with the same subscription share their keys");
  return {
    ...fields,
    from: "lines",
    path: file ?? "-",
    subscriptionId: subscription ?? DEFAULT_SUBSCRIPTION,
    attempts: flags.attempts ?? attemptsFromEnv ?? DEFAULT_ATTEMPTS,
    nats: bucket === undefined ? undefined : natsAddress(flags, io.env),
  };
}

function planSelection({ id, type, subject }: RunFlags): Selection {
  const select = (option: string, field: string): IdSelector => {
    try {
      return parseSelector(field);
    } catch (cause) {
      throw new CommandError(
        `${option} needs the name of a header or a JSON Pointer such as /data/id, got \`${printable(field)}\``,
        { cause },
      );
    }
  };
  return {
    ...(id === undefined ? {} : { id: firstOf(...id.map((field) => select("--id", field))) }),
    ...(type === undefined ? {} : { type: select("--type", type) }),
    ...(subject === undefined ? {} : { subject: select("--subject", subject) }),
  };
}

function planTarget(
  { to, exec, header, keyPerAttempt = false }: RunFlags,
  env: Readonly<Record<string, string | undefined>>,
): RunPlan["target"] {
  if ((to === undefined) === (exec === undefined))
    throw new CommandError("Give one target: --to <url>, or --exec <command>");
  if (to !== undefined) {
    const url = URL.canParse(to) ? new URL(to) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new CommandError(`--to needs an http:// or https:// URL, got \`${printable(to)}\``);
    return { to: "endpoint", url, proxy: proxyFor(url, env), headers: parseHeaders(header ?? []), keyPerAttempt };
  }
  if (header !== undefined || keyPerAttempt) {
    throw new CommandError(`${header === undefined ? "--key-per-attempt" : "--header"} needs --to`);
  }
  const [program, ...args] = exec ?? [];
  if (program === undefined) throw new CommandError("--exec needs a command after it");
  return { to: "command", command: [program, ...args] };
}
