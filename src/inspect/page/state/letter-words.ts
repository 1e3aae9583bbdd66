import { counted } from "../../../internal/counted.ts";
import type { RedriveRefusal, RedriveResult } from "../../../model/dead-letter.ts";
import type { LetterRow } from "../../server/wire.ts";
import type { BulkAction, StepResult } from "./bulk-action.ts";
import type { RequestResult } from "./request-result.ts";

type Change = (sequence: number) => Promise<RequestResult<RedriveResult>>;

/** Returns the redrive of letters, to confirm. */
export function redriveAction(letters: readonly LetterRow[], redrive: Change): BulkAction {
  return {
    title: `Redrive ${counted(letters.length, "dead letter")}?`,
    verb: "Redrive",
    done: "redriven",
    consequences: [
      "The original is published again under its own subject and identity, and dispatched by its consumers.",
      "A letter stays if its event was dispatched in the meantime, or is being dispatched.",
      "If the handler still fails, the message becomes a dead letter again.",
    ],
    ...stepsOf(letters, redrive),
  };
}

/** Returns the removal of letters, to confirm. */
export function dropAction(letters: readonly LetterRow[], drop: Change): BulkAction {
  return {
    title: `Drop ${counted(letters.length, "dead letter")}?`,
    verb: "Drop",
    done: "dropped",
    consequences: ["The events are not dispatched, and their messages are lost.", "This cannot be undone."],
    ...stepsOf(letters, drop),
  };
}

/** Returns one step for each letter. */
function stepsOf(letters: readonly LetterRow[], change: Change): Pick<BulkAction, "size" | "steps" | "atOnce"> {
  return {
    size: letters.length,
    atOnce: 1,
    steps: letters.map(
      ({ sequence }) =>
        async () =>
          stepResult(await change(sequence)),
    ),
  };
}

function stepResult(reply: RequestResult<RedriveResult>): StepResult {
  if (!reply.ok) return reply;
  const { value } = reply;
  if (value.result === "left") return { ok: true, done: 0, left: 1, note: refusalWords(value) };
  const isGone = value.result === "gone";
  return {
    ok: true,
    done: isGone ? 0 : 1,
    left: isGone ? 1 : 0,
    note: "Some letters were redriven or dropped in the meantime.",
  };
}

function refusalWords(refusal: RedriveRefusal): string {
  switch (refusal.why) {
    case "dispatched":
      return `${refusal.owner} has dispatched the event. Drop the letter, or clear the key to dispatch the event again.`;
    case "in-progress":
      return `${refusal.owner} is dispatching the event. Try again when that has ended.`;
    case "unreadable-record":
      return `The key holds no readable record: ${refusal.problem}.`;
    case "no-body":
      return "The letter was stored without its body, and the original is gone.";
    case "no-headers":
      return "The original's headers were unreadable, so it would be published without them.";
    case "contended":
      return "The key kept changing. Try again.";
  }
}
