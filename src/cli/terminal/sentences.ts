import type { CommitOutcome } from "../../model/decision.ts";
import type { Audit } from "../../nats/consumer/audit.ts";
import type { LineProblem } from "../run/incoming.ts";
import type { Failure, LineResult, Tally } from "../run/results.ts";
import type { DeliveryResult, StreamTally } from "../run/stream-results.ts";
import { amount, count, type Paint, printable, seconds, span } from "./style.ts";

/** What is wrong with a line. Tells nothing of its content but the names of what is missing. */
export function problemSentence(problem: LineProblem): string {
  switch (problem.problem) {
    case "too-long":
      return `it is longer than a line may be (${amount(problem.bytes)} bytes)`;
    case "not-utf-8":
      return "it is not UTF-8";
    case "not-json":
      return "it is not JSON";
    case "not-an-object":
      return "it is not a JSON object";
    case "unknown-format":
      return "it has no identity: neither a CloudEvent (no `specversion`) nor a GitHub delivery (no `headers` of GitHub)";
    case "no-attribute":
      return `the CloudEvent has no \`${problem.attribute}\``;
    case "no-delivery-id":
      return "the GitHub delivery has no `x-github-delivery`";
    case "no-payload":
      return "the GitHub delivery has no `body` or `payload`";
    case "not-base64":
      return "the CloudEvent's `data_base64` is not base64";
  }
}

/** Why an event was not dispatched, to follow "failed: ". */
export function failureSentence(failure: Failure): string {
  switch (failure.failure) {
    case "status":
      return `the endpoint answered ${failure.status}`;
    case "unreachable":
      return `the endpoint is out of reach${failure.code === undefined ? "" : ` (${failure.code})`}`;
    case "not-started":
      return `the command could not be started (${failure.code})`;
    case "exit":
      return `the command ended with exit code ${failure.exitCode}`;
    case "killed":
      return `the command was killed by ${failure.by}`;
    case "timeout":
      return `no answer within ${seconds(failure.timeoutMs)}`;
    case "aborted":
      return "the dispatch was aborted, because its reservation was about to end";
    case "latchkey":
      return failure.message;
  }
}

/** A line for a person about a line that did not end well; undefined for the others. */
export function lineSentence(result: LineResult, paint: Paint): string | undefined {
  const where = paint("dim", `line ${result.line}`);
  if (result.outcome === "unreadable") {
    return `${where}  ${paint("yellow", "unreadable")}  ${problemSentence(result.problem)}`;
  }
  const which = printable(`${result.type} ${result.eventId}`);
  switch (result.outcome) {
    case "duplicate":
      return undefined;
    case "left":
      return `${where}  ${paint("yellow", "left")}  ${which}: ${result.tries > 0 ? "aborted while it was dispatched" : "not begun"}`;
    case "failed":
      return `${where}  ${paint("red", "failed")}  ${which}: ${failureSentence(result.failure)}${triesClause(result.tries)}`;
    case "dispatched":
      return doubtSentence(result.commit, where, which, paint);
  }
}

function triesClause(tries: number): string {
  return tries > 1 ? ` (${amount(tries)} tries)` : "";
}

/** A line for a person about a delivery that did not end well; undefined for the others, and for what merely waits. */
export function deliverySentence(result: DeliveryResult, paint: Paint): string | undefined {
  const where = paint(
    "dim",
    `message ${result.sequence}${result.deliveries > 1 ? `, delivery ${result.deliveries}` : ""}`,
  );
  const which = printable(result.eventId ?? "without identity");
  switch (result.outcome) {
    case "duplicate":
      return undefined;
    case "dispatched":
      return doubtSentence(result.commit, where, which, paint);
    case "put-back": {
      if (result.lost) return `${where}  ${paint("red", "lost")}  ${which}: it was its last delivery (max_deliver)`;
      if (result.reason === undefined) return undefined;
      return `${where}  ${paint("yellow", "put back")}  ${which}: ${result.reason}; again in ${seconds(result.delayMs)}`;
    }
    case "dead-lettered":
      return `${where}  ${paint("red", "dead letter")}  ${which}: ${result.reason}`;
  }
}

function doubtSentence(commit: CommitOutcome, where: string, which: string, paint: Paint): string | undefined {
  if (commit === "confirmed" || commit === "adopted") return undefined;
  return `${where}  ${paint("yellow", commit)}  ${which}: ${doubts[commit]}`;
}

const doubts = {
  superseded: "dispatched, but another process had taken the event over: it may have run twice",
  unconfirmed: "dispatched, but the store did not confirm it: it may run again",
};

/** What a consumer says that is about no single delivery's end; undefined when it is. */
export function auditSentence(audit: Audit): string | undefined {
  if (audit.type === "trigger.consumer.warning") return `Warning: ${audit.finding.sentence}`;
  if (audit.type === "trigger.pull.failed")
    return `No messages could be asked for, trying again: ${messageOf(audit.error)}`;
  if (audit.type !== "trigger.dead-letter.failed") return undefined;
  return `Message ${audit.sequence} could not be stored as a dead letter, and comes back: ${messageOf(audit.error)}`;
}

/** How a run ended. */
export type RunEnd = "well" | "badly" | "interrupted";

/** A number that a summary shows, with what is to be said about it. */
export interface SummaryRow {
  readonly label: string;
  readonly number: number;
  readonly remark?: string | undefined;
}

/** The end of a run, as a small table. */
export function summaryText(end: RunEnd, headline: string, rows: readonly SummaryRow[], paint: Paint): string {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const width = Math.max(...rows.map(({ number }) => amount(number).length));
  const lines = rows.map(({ label, number, remark }) => {
    const row = `  ${label.padEnd(labelWidth)}  ${amount(number).padStart(width)}`;
    return remark === undefined ? row : `${row}  ${paint("dim", remark)}`;
  });
  return `${[`${endMark(end, paint)} ${headline}`, ...lines].join("\n")}\n`;
}

function endMark(end: RunEnd, paint: Paint): string {
  switch (end) {
    case "well":
      return paint("green", "✓");
    case "badly":
      return paint("red", "✗");
    case "interrupted":
      return `${paint("yellow", "■")} interrupted:`;
  }
}

export function linesSummary(tally: Tally): readonly SummaryRow[] {
  return [
    { label: "dispatched", number: tally.dispatched, remark: retriedRemark(tally.retried) },
    {
      label: "duplicates",
      number: tally.duplicates,
      remark: tally.duplicates > 0 ? "not dispatched again" : undefined,
    },
    ...ifAny("failed", tally.failed),
    ...ifAny("unreadable", tally.unreadable),
    ...ifAny("left", tally.left, "not finished, because of the interruption"),
    ...ifAny("doubtful", tally.doubtful, DOUBTFUL),
  ];
}

export function streamSummary(tally: StreamTally, hasDeadLetters: boolean): readonly SummaryRow[] {
  return [
    { label: "dispatched", number: tally.dispatched, remark: retriedRemark(tally.retried) },
    {
      label: "duplicates",
      number: tally.duplicates,
      remark: tally.duplicates > 0 ? "not dispatched again" : undefined,
    },
    ...ifAny("put back", tally.putBack, "they come again"),
    ...ifAny("dead letters", tally.deadLettered, hasDeadLetters ? undefined : "terminated: no copy was kept"),
    ...ifAny("lost", tally.lost, "of those put back: the consumer's max_deliver was reached"),
    ...ifAny("doubtful", tally.doubtful, DOUBTFUL),
  ];
}

const DOUBTFUL = "of those dispatched: they may run twice";

function retriedRemark(retried: number): string | undefined {
  return retried > 0 ? `${amount(retried)} of them not at the first try` : undefined;
}

function ifAny(label: string, number: number, remark?: string): readonly SummaryRow[] {
  return number > 0 ? [{ label, number, remark }] : [];
}

/** The line that is written over and over while a run goes on. */
export function progressText(parts: ReadonlyArray<string | undefined>, handled: number, durationMs: number): string {
  const rate = `${amount((handled * 1_000) / Math.max(durationMs, 1))}/s`;
  return [...parts, rate].filter((part) => part !== undefined).join(" · ");
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is wrong with how the command was called, or with what it was pointed at. */
export const sentences = {
  cannotRun: (program: string, code: string): string => `Cannot run \`${printable(program)}\`: ${code}`,
  cannotRead: (path: string, error: unknown): string => `Cannot read \`${printable(path)}\`: ${messageOf(error)}`,
  nothingToRead:
    "Nothing to read: pipe lines into standard input, or name a file with --file or a stream with --stream and --consumer",
  oneInput: "Give one input: --file, or --stream together with --consumer",
  oneTarget: "Give one target: --to <url>, or --exec <command>",
  execNeedsCommand: "--exec needs a command after it",
  notHttp: (url: string): string => `--to needs an http:// or https:// address, got \`${printable(url)}\``,
  bucketNeedsSubscription:
    "--bucket shares what was dispatched with every run that has the same --subscription: say which one this is",
  streamOnly: (flag: string): string => `${flag} needs --stream`,
  notAServer: "A NATS server is given as nats://host:port or tls://host:port, several set apart by commas",
  needsServer: "A NATS server is needed: give --nats <url> or set NATS_URL",
  missingPeer: (names: readonly string[]): string =>
    `NATS needs packages that are not installed; install them with: npm install ${names.join(" ")}`,
  cannotConnect: (servers: readonly string[], error: unknown): string =>
    `Cannot connect to NATS at ${servers.join(", ")}: ${messageOf(error)}`,
  needsBucket: (names: readonly string[]): string =>
    `Say which bucket it is: --bucket <name>${names.length === 0 ? "" : `; this server has ${names.join(", ")}`}`,
  notABucket: (name: string): string =>
    `--bucket needs a name of letters, digits, \`-\` and \`_\`, got \`${printable(name)}\``,
  noBucket: (name: string, names: readonly string[]): string =>
    `There is no bucket \`${name}\`${names.length === 0 ? "" : `; this server has ${names.join(", ")}`}`,
  clocksDiffer: (offsetMs: number): string =>
    `The clock of this machine is ${span(Math.abs(offsetMs))} ${offsetMs > 0 ? "behind" : "ahead of"} the server's, by which all times are.`,
  needsFilter: "Say which keys to clear: one event, a filter such as --subscription, or --all",
  oneEventOrFilter: "Name one event or give a filter, not both",
  allOrFilter: "--all is for all keys: give it alone, or a filter",
  needsYes: "Nothing was cleared: give --yes, since there is no terminal to ask at",
  clearingBrokeOff: (cleared: number, planned: number, error: unknown): string =>
    `Cleared ${amount(cleared)} of ${count(planned, "key")}, then: ${messageOf(error)}`,
  streamAndConsumer: "--stream and --consumer name a consumer together: give both",
  notAKey: (text: string): string =>
    `\`${printable(text)}\` is no key: give a subscription and an event id, a dedup key (trigger.dedup.v1:…), or a key as \`latchkey list --json\` shows it`,
  eventNeedsSubscription: "--event needs --subscription: the two together name an event",
  noConsumer: (stream: string, consumer: string, error: unknown): string =>
    `Cannot use the consumer \`${printable(consumer)}\` of the stream \`${printable(stream)}\`: ${messageOf(error)}`,
  consumerLost: (error: unknown): string => `The stream gives no more messages: ${messageOf(error)}`,
  tooManyShards: (name: string): string =>
    `Bucket ${name} has buckets for several numbers of shards: choose one with --shards <n>`,
  cannotListen: (host: string, port: number, error: unknown): string =>
    `Cannot listen at ${printable(host)}, port ${port}: ${messageOf(error)}`,
  inspecting: (bucket: string): string =>
    `Open this address in a browser to see what all replicas do that share bucket ${bucket}. Press Ctrl-C to end.\n`,
  draining: "Stopping: nothing more is read, what runs may finish. Press Ctrl-C again to abort it.\n",
  aborting: "Aborting.\n",
  unexpected: (error: unknown): string =>
    `Unexpected error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
} as const;
