import { span } from "../../inspect/conclusions/duration.ts";
import type { LeaseClock } from "../../inspect/conclusions/suspicion.ts";
import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import { parseEventSelector } from "../stored-keys/event-selector.ts";
import { keyReport, payloadReport } from "../stored-keys/key-report.ts";
import { lookUpHints, readKnownNames } from "../stored-keys/known-names.ts";
import { openKeys } from "../stored-keys/open-keys.ts";
import type { OpenKeys } from "../stored-keys/shared-keys.ts";
import { wholeKey } from "../stored-keys/short-key.ts";
import { skewFrom, verdictAbout } from "../stored-keys/verdict.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { deadLetterHint, type WantedEvent } from "./dead-letter-hint.ts";
import { keyCard } from "./key-card.ts";
import { type LookUpResult, lookUpResults, stateOf } from "./look-up-result.ts";

export interface ShowFlags extends BucketFlags, PostgresKeysFlags {
  readonly workspace?: string;
  readonly payload?: boolean;
  readonly json?: boolean;
}

/** Explains how deliveries of an event are handled, and prints its record. */
export async function showCommand(
  names: readonly [first: string, eventId: string | undefined],
  flags: ShowFlags,
  io: CliIo,
): Promise<ExitCode> {
  await using keys = await openKeys(flags, io);
  const where = { workspaceId: flags.workspace, bucketNames: keys.bucketNames };
  const event = parseEventSelector(await wholeKey(names, keys), where);
  const all = lookUpResults(event, await keys.lookUp(event.subjectsIn));
  const now = { nowMs: keys.serverMs(), skewMs: skewFrom(io) };
  const look = { paint: painter(io.out), columns: io.out.columns, hasPayload: flags.payload ?? false };
  const shown = all.map((found) =>
    flags.json === true ? jsonLine(foundReport(found, now, look.hasPayload)) : keyCard(found, now, look),
  );
  await io.out.write(shown.join(flags.json === true ? "" : "\n"));
  if (flags.json !== true) await io.err.write(clockNote(keys.difference));
  if (!all.every((found) => stateOf(found) === "unseen")) return exitCodes.ok;
  await io.err.write(await hintText(names, flags, { keys, io }));
  return exitCodes.failed;
}

/** Returns what may have been meant, and whether the event is a dead letter, if nothing was found. */
async function hintText(
  [subscriptionId, eventId]: readonly [first: string, eventId: string | undefined],
  { workspace: workspaceId }: ShowFlags,
  { keys, io }: { readonly keys: OpenKeys; readonly io: CliIo },
): Promise<string> {
  if (eventId === undefined) return "";
  const hints = [
    ...(await nameHints({ subscriptionId, eventId, workspaceId }, keys)),
    await deadLetterHint({ subscriptionId, eventId, workspaceId }, keys, io),
  ];
  return `\n${hints.join("\n")}\n`;
}

async function nameHints(wanted: WantedEvent, keys: OpenKeys): Promise<readonly string[]> {
  try {
    return lookUpHints(wanted, await readKnownNames((filter) => keys.scan(filter), wanted));
  } catch {
    // Without the permission to list keys there is no hint.
    return [];
  }
}

function foundReport(found: LookUpResult, now: LeaseClock, hasPayload: boolean): object {
  const { stored, identity } = found;
  const verdict = verdictAbout(stored, now);
  if (stored === undefined || stored.state === "removed") return { state: "unseen", ...identity, ...verdict };
  if (stored.state === "failed") {
    const { owner, attempt, fence, atMs, error } = stored.failure;
    return { state: "unseen", ...identity, ...verdict, failure: { owner, attempt, fence, atMs, error } };
  }
  return { ...keyReport(stored, now), ...verdict, ...(hasPayload ? payloadReport(stored) : {}) };
}

/** Returns a note if the local clock differs from the server's, because all printed times follow the server. */
function clockNote(difference: ClockDifference | undefined): string {
  if (difference === undefined || Math.abs(difference.offsetMs) - difference.uncertaintyMs < NOTABLE_MS) return "";
  return `\n${clocksDiffer(difference.offsetMs)}\n`;
}

function clocksDiffer(offsetMs: number): string {
  return `The clock of this machine is ${span(Math.abs(offsetMs))} ${offsetMs > 0 ? "behind" : "ahead of"} the server's. All times follow the server.`;
}

const NOTABLE_MS = 1_000;
