import { setting } from "../../env.ts";
import { amount } from "../../internal/counted.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import type { OpenKeys } from "../stored-keys/shared-keys.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";

/** Maximum number of letters that are read: each takes a request. */
const MOST_READ = 1_000;

export interface WantedEvent {
  readonly subscriptionId: string;
  readonly eventId: string;
  /** Undefined for any. */
  readonly workspaceId: string | undefined;
}

/** Returns whether the event became a dead letter, or how to find out. */
export async function deadLetterHint(wanted: WantedEvent, { letters }: OpenKeys, { env }: CliIo): Promise<string> {
  if (letters === undefined) return "To find its dead letter, use latchkey dead list --event.";
  const subject = setting(env, "LATCHKEY_DEAD_LETTER");
  if (subject === undefined) {
    return "To find its dead letter, set LATCHKEY_DEAD_LETTER or use latchkey dead list --event.";
  }
  try {
    const { letter, read } = await firstLetter(wanted, letters(subject));
    if (letter === undefined) return `No dead letter of ${printable(subject)} has the event (${amount(read)} read).`;
    const { sequence, reason, error } = letter;
    return `Dead letter ${sequence} has the event (${reason}): ${printable(error)}. latchkey dead redrive ${sequence} dispatches it again.`;
  } catch (error) {
    return `The dead letters cannot be read: ${printable(errorMessage(error))}`;
  }
}

async function firstLetter(
  { subscriptionId, eventId, workspaceId }: WantedEvent,
  letters: AsyncIterable<DeadLetter>,
): Promise<{ readonly letter: DeadLetter | undefined; readonly read: number }> {
  let read = 0;
  for await (const letter of letters) {
    read += 1;
    const { identity } = letter;
    const isWorkspace = workspaceId === undefined || identity?.workspaceId === workspaceId;
    const isEvent = identity?.subscriptionId === subscriptionId && identity.eventId === eventId;
    if (isWorkspace && isEvent) return { letter, read };
    if (read === MOST_READ) break;
  }
  return { letter: undefined, read };
}
