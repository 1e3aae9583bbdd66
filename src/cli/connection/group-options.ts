import { type Command, InvalidArgumentError } from "commander";
import { MAX_GROUP_NAME_LENGTH, MAX_PRIORITY, type PriorityGroup } from "../../nats/consumer/priority-group.ts";
import { CommandError } from "../terminal/command-error.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";

/** Options that describe the membership of a replica in a priority group. */
export interface GroupFlags {
  readonly group?: string;
  readonly minPending?: number;
  readonly minAckPending?: number;
  readonly priority?: number;
}

/** Adds the options of a consumer's priority groups. */
export function addGroup(command: Command): Command {
  return command
    .option("--group <name>", "priority group of the consumer that a replica belongs to", groupName)
    .option("--min-pending <n>", "policy overflow: get messages while so many wait", wholeNumberFrom(1))
    .option("--min-ack-pending <n>", "policy overflow: get messages while so many are in flight", wholeNumberFrom(1))
    .option(
      "--priority <n>",
      `policy prioritized: lower numbers get messages first, from 0 to ${MAX_PRIORITY} (default: 0)`,
      wholeNumberFrom(0, MAX_PRIORITY),
    );
}

/** Returns the group that the options describe. @throws {CommandError} for a limit or a priority without a group. */
export function groupFrom({ group, minPending, minAckPending, priority }: GroupFlags): PriorityGroup | undefined {
  const limits = {
    ...(minPending === undefined ? {} : { minPending }),
    ...(minAckPending === undefined ? {} : { minAckPending }),
    ...(priority === undefined ? {} : { priority }),
  };
  if (group !== undefined) return { name: group, ...limits };
  if (Object.keys(limits).length > 0)
    throw new CommandError("--min-pending, --min-ack-pending and --priority need --group");
  return undefined;
}

function groupName(name: string): string {
  if (name.length > 0 && name.length <= MAX_GROUP_NAME_LENGTH) return name;
  throw new InvalidArgumentError(`Expected a name of 1 to ${MAX_GROUP_NAME_LENGTH} characters.`);
}
