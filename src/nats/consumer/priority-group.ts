import type { ConsumerConfig } from "@nats-io/jetstream";
import { expected, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";

/** Membership of a replica in a priority group of its consumer. */
export interface PriorityGroup {
  /** Name of the group, as in the consumer's `priority_groups`, with at most 16 characters. */
  readonly name: string;
  /** Policy `overflow`: this replica gets messages only while at least this many wait for delivery, at least 1. @default none */
  readonly minPending?: number;
  /** Policy `overflow`: the same, while at least this many are delivered and not acknowledged, at least 1. @default none */
  readonly minAckPending?: number;
  /** Policy `prioritized`: replicas with a lower number get messages first, from 0 to 9. @default 0 */
  readonly priority?: number;
}

/** Limit of the server, in characters. */
export const MAX_GROUP_NAME_LENGTH = 16;
/** Limit of the server. */
export const MAX_PRIORITY = 9;

/** @throws {TypeError | RangeError} naming the first invalid field. */
export function resolveGroup(group: PriorityGroup): PriorityGroup {
  objectWith("group", group);
  const { minPending, minAckPending, priority } = group;
  const name = text("group.name", group.name);
  if (name.length > MAX_GROUP_NAME_LENGTH) {
    throw new RangeError(expected("group.name", `at most ${MAX_GROUP_NAME_LENGTH} characters`, name));
  }
  return {
    name,
    ...(minPending === undefined ? {} : { minPending: wholeNumber("group.minPending", minPending, 1) }),
    ...(minAckPending === undefined ? {} : { minAckPending: wholeNumber("group.minAckPending", minAckPending, 1) }),
    ...(priority === undefined ? {} : { priority: wholeNumber("group.priority", priority, 0, MAX_PRIORITY) }),
  };
}

/** Fields of a request for messages that name a group. */
interface RequestedGroup {
  readonly group?: string;
  readonly min_pending?: number;
  readonly min_ack_pending?: number;
  readonly priority?: number;
}

/** Returns the group as the client's requests name it. */
export function requestedGroup(group: PriorityGroup | undefined): RequestedGroup {
  if (group === undefined) return {};
  const { name, minPending, minAckPending, priority } = group;
  return {
    group: name,
    ...(minPending === undefined ? {} : { min_pending: minPending }),
    ...(minAckPending === undefined ? {} : { min_ack_pending: minAckPending }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** Returns true if the server delivers messages to one replica at a time. */
export function isPinned({ priority_policy }: ConsumerConfig): boolean {
  return priority_policy === "pinned_client";
}

/** A pinned client holds all messages that the consumer may deliver, so their number must have a limit. */
const MAX_PINNED_MESSAGES = 10_000;

/** Checks that a replica's group exists in the consumer, and that its limits belong to the consumer's policy. */
export function checkGroup(config: ConsumerConfig, group: PriorityGroup | undefined): ConsumerFinding[] {
  const { max_ack_pending = -1, priority_groups = [], priority_policy = "none" } = config;
  const names = priority_groups.map((name) => `\`${name}\``).join(", ");
  const wrong = (problem: string, remedy: string) => [finding("error", "priority_groups", problem, remedy)];
  if (group === undefined) {
    if (priority_groups.length === 0) return [];
    const problem = `its \`priority_groups\` are ${names}, and the server refuses requests that name none`;
    return wrong(
      problem,
      "name one in the option `group` of `consume` or with `latchkey run --group`, or create a consumer without",
    );
  }
  if (!priority_groups.includes(group.name)) {
    const has = names === "" ? "no `priority_groups`" : `the \`priority_groups\` ${names}`;
    return wrong(`it has ${has}, and \`group\` names \`${group.name}\``, "name one of the consumer's groups, or none");
  }
  const isOverflow = group.minPending !== undefined || group.minAckPending !== undefined;
  if (isOverflow && priority_policy !== "overflow") {
    const problem = `its \`priority_policy\` is \`${priority_policy}\`, which ignores \`minPending\` and \`minAckPending\``;
    return wrong(problem, "leave them out, or create a consumer with the policy `overflow`");
  }
  if (group.priority !== undefined && priority_policy !== "prioritized") {
    const problem = `its \`priority_policy\` is \`${priority_policy}\`, which ignores \`priority\``;
    return wrong(problem, "leave it out, or create a consumer with the policy `prioritized`");
  }
  const isBounded = max_ack_pending > 0 && max_ack_pending <= MAX_PINNED_MESSAGES;
  if (isPinned(config) && !isBounded) {
    const problem = `\`max_ack_pending\` is ${max_ack_pending}, and a pinned client holds as many messages in memory`;
    return [finding("error", "max_ack_pending", problem, `make it at most ${MAX_PINNED_MESSAGES}`)];
  }
  return [];
}
