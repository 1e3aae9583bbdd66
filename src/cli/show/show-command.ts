import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import { keyReport, payloadReport } from "../bucket/key-report.ts";
import { lookUp } from "../bucket/look-up.ts";
import { type BucketFlags, openBuckets } from "../bucket/open-buckets.ts";
import { whichEvent } from "../bucket/which-event.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";
import { painter } from "../terminal/style.ts";
import { type Found, foundOf, stateOf } from "./found.ts";
import { keyCard } from "./key-card.ts";
import { verdictOf } from "./verdict.ts";

export interface ShowFlags extends BucketFlags {
  readonly workspace?: string;
  readonly payload?: boolean;
  readonly json?: boolean;
}

/** Says what becomes of an event's deliveries and why, and what the bucket holds for it. */
export async function showCommand(
  names: readonly [first: string, eventId: string | undefined],
  flags: ShowFlags,
  io: CliIo,
): Promise<ExitCode> {
  await using buckets = await openBuckets(flags, io);
  const event = whichEvent(names, { workspaceId: flags.workspace, bucketNames: buckets.bucketNames });
  const all = foundOf(event, await lookUp(buckets, event.subjectsIn));
  const serverMs = buckets.serverMs();
  const look = { paint: painter(io.out), columns: io.out.columns, hasPayload: flags.payload ?? false };
  const shown = all.map((found) =>
    flags.json === true
      ? `${JSON.stringify(foundReport(found, serverMs, look.hasPayload))}\n`
      : keyCard(found, serverMs, look),
  );
  await io.out.write(shown.join(flags.json === true ? "" : "\n"));
  if (flags.json !== true) await io.err.write(clockNote(buckets.difference));
  return all.every((found) => stateOf(found) === "unseen") ? exitCodes.failed : exitCodes.ok;
}

function foundReport(found: Found, serverMs: number, hasPayload: boolean): object {
  const { kept, identity } = found;
  const verdict = verdictOf(kept, serverMs);
  if (kept === undefined || kept.state === "removed") return { state: "unseen", ...identity, ...verdict };
  return { ...keyReport(kept, serverMs), ...verdict, ...(hasPayload ? payloadReport(kept) : {}) };
}

/** Times are the server's; a person compares them with the clock at hand. */
function clockNote(difference: ClockDifference | undefined): string {
  if (difference === undefined || Math.abs(difference.offsetMs) - difference.uncertaintyMs < NOTABLE_MS) return "";
  return `\n${sentences.clocksDiffer(difference.offsetMs)}\n`;
}

const NOTABLE_MS = 1_000;
