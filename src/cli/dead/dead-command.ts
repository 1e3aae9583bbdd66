import { jetstreamManager } from "@nats-io/jetstream";
import { setting } from "../../env.ts";
import { amount, counted } from "../../internal/counted.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import { letterOf } from "../../nats/dead-letters/letter.ts";
import { LetterStream } from "../../nats/dead-letters/letter-stream.ts";
import { deadLetters } from "../../nats/index.ts";
import { publishableSubject } from "../../nats/wire/subject.ts";
import { openNats } from "../connection/nats.ts";
import { natsAddress } from "../connection/nats-address.ts";
import { type BucketFlags, openBuckets } from "../connection/open-buckets.ts";
import { storeOf } from "../connection/store-of.ts";
import { DEFAULT_LIMIT } from "../stored-keys/key-order.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { type LetterPayload, letterCard } from "./letter-card.ts";
import { LetterChanges } from "./letter-changes.ts";
import { checkSelection, type DeadAction, isLetterMatch, type LetterFilterFlags } from "./letter-filter.ts";
import { letterReport } from "./letter-report.ts";
import { letterTable } from "./letter-table.ts";

export interface DeadFlags extends BucketFlags, LetterFilterFlags {
  readonly deadLetter?: string;
  readonly payload?: boolean;
  readonly limit?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const TIMEOUT_MS = 5_000;

/** Lists, shows, redrives or drops dead letters. */
export async function deadCommand(
  action: DeadAction,
  sequences: readonly number[],
  flags: DeadFlags,
  io: CliIo,
): Promise<ExitCode> {
  checkSelection(action, sequences, flags);
  const subject = subjectOf(flags, io);
  await using nats = await openNats(natsAddress(flags, io.env), "latchkey");
  const { connection, apiPrefix } = nats;
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS, apiPrefix });
  const letters = new LetterStream(jsm, subject);
  using interruption = new Interruption(io);
  const { drain: signal } = interruption;
  if (action === "show") return await show(letters, sequences, flags, io);
  const found = await selected(letters, sequences, flags, signal, io);
  if (signal.aborted) return exitCodes.interrupted;
  if (action === "list") return await list(found, flags, io);
  const changes = new LetterChanges(action, found, flags, signal, io);
  if (action === "drop") return await changes.run((sequence) => drop(letters, sequence));
  await using buckets = await openBuckets(flags, io);
  const queue = await deadLetters(connection, { subject, apiPrefix, store: await storeOf(buckets) });
  return await changes.run((sequence) => queue.redrive(sequence));
}

async function drop(letters: LetterStream, sequence: number): Promise<{ readonly result: "dropped" | "gone" }> {
  return { result: (await letters.remove(sequence)) ? "dropped" : "gone" };
}

function subjectOf({ deadLetter }: DeadFlags, { env }: CliIo): string {
  const subject = deadLetter ?? setting(env, "LATCHKEY_DEAD_LETTER");
  if (subject === undefined) {
    throw new CommandError("Name the subject of the dead letters: --dead-letter <subject>, or LATCHKEY_DEAD_LETTER");
  }
  return asCommandError(() => publishableSubject("--dead-letter", subject));
}

/** Returns the selected letters, oldest first. */
async function selected(
  letters: LetterStream,
  sequences: readonly number[],
  flags: DeadFlags,
  signal: AbortSignal,
  io: CliIo,
): Promise<readonly DeadLetter[]> {
  const found: DeadLetter[] = [];
  if (sequences.length > 0) {
    for (const sequence of sequences.toSorted((one, other) => one - other)) {
      const message = await letters.message(sequence);
      const letter = message === undefined ? undefined : letterOf(message);
      if (letter === undefined) throw new CommandError(`There is no letter ${sequence}: it was redriven or dropped`);
      found.push(letter);
    }
    return found;
  }
  let read = 0;
  await using _ = new StatusLine(io.err, io.clock, () => `${counted(read, "letter")} read`);
  for await (const letter of letters.letters()) {
    if (signal.aborted) return found;
    read += 1;
    if (isLetterMatch(letter, flags, io.clock.wallMs())) found.push(letter);
  }
  return found;
}

async function list(
  found: readonly DeadLetter[],
  { json, limit = DEFAULT_LIMIT }: DeadFlags,
  io: CliIo,
): Promise<ExitCode> {
  const nowMs = io.clock.wallMs();
  if (json === true) {
    for (const letter of found) await io.out.write(jsonLine(letterReport(letter, nowMs)));
    return exitCodes.ok;
  }
  const shown = limit === 0 ? found : found.slice(0, limit);
  const width = io.out.isTerminal ? { width: io.out.columns } : {};
  if (shown.length > 0) await io.out.write(letterTable(shown, nowMs, { paint: painter(io.out), ...width }));
  const more = shown.length === found.length ? "" : ` Showing ${amount(shown.length)}; --limit 0 shows all.`;
  await io.err.write(found.length === 0 ? "No letters match.\n" : `${counted(found.length, "dead letter")}.${more}\n`);
  return exitCodes.ok;
}

async function show(
  letters: LetterStream,
  sequences: readonly number[],
  { json, payload }: DeadFlags,
  io: CliIo,
): Promise<ExitCode> {
  let isMissing = false;
  for (const [index, sequence] of sequences.entries()) {
    const message = await letters.message(sequence);
    const letter = message === undefined ? undefined : letterOf(message);
    if (message === undefined || letter === undefined) {
      isMissing = true;
      await io.err.write(`There is no letter ${sequence}: it was redriven or dropped, or never existed.\n`);
      continue;
    }
    const headers = [...message.header].flatMap(([name, values]) => values.map((value) => [name, value] as const));
    const content: LetterPayload | undefined = payload === true ? { headers, body: message.string() } : undefined;
    const nowMs = io.clock.wallMs();
    await io.out.write(
      json === true
        ? jsonLine({ ...letterReport(letter, nowMs), ...content })
        : `${index === 0 ? "" : "\n"}${letterCard(letter, nowMs, painter(io.out), content)}`,
    );
  }
  return isMissing ? exitCodes.failed : exitCodes.ok;
}
