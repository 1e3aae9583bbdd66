import { type Identity, resolveIdentity } from "../../model/identity.ts";
import { asCommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";

export interface KeyFlags {
  readonly workspace?: string;
  readonly json?: boolean;
}

/** Prints the dedup key of an event. @throws {CommandError} if a part is empty or has lone surrogates. */
export async function keyCommand(
  subscriptionId: string,
  eventId: string,
  { workspace, json }: KeyFlags,
  io: CliIo,
): Promise<ExitCode> {
  const identity: Identity = {
    subscriptionId,
    eventId,
    ...(workspace === undefined ? {} : { workspaceId: workspace }),
  };
  const resolved = asCommandError(() => resolveIdentity(identity));
  await io.out.write(json === true ? jsonLine(resolved) : `${resolved.key}\n`);
  return exitCodes.ok;
}
