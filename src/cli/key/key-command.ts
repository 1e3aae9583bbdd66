import { type Identity, resolveIdentity } from "../../model/identity.ts";
import { usable } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";

export interface KeyFlags {
  readonly workspace?: string;
  readonly json?: boolean;
}

/** Prints what an event's identity hashes to. @throws {UnusableError} when a part is empty or has lone surrogates. */
export async function keyCommand(
  subscriptionId: string,
  eventId: string,
  { workspace, json }: KeyFlags,
  io: CliIo,
): Promise<void> {
  const identity: Identity = {
    subscriptionId,
    eventId,
    ...(workspace === undefined ? {} : { workspaceId: workspace }),
  };
  const resolved = usable(() => resolveIdentity(identity));
  await io.out.write(`${json === true ? JSON.stringify(resolved) : resolved.key}\n`);
}
