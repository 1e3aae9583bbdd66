import { UnidentifiedError } from "../errors.ts";

/**
 * Returns the answer to a batch: the first answer that asks for another delivery, otherwise the first refusal. Without either, returns
 * 202 if its events were stored, and 204 if they were dispatched. After another delivery, events that were dispatched are duplicates.
 * @throws {UnidentifiedError} if the batch is empty.
 */
export function answerToBatch(answers: readonly Response[]): Response {
  const [first] = answers;
  if (first === undefined) throw new UnidentifiedError("The batch is empty");
  const asksAgain = ({ status }: Response) => status >= 500 || status === 409;
  const refuses = ({ status }: Response) => status >= 400;
  const isStored = first.status === 202;
  return answers.find(asksAgain) ?? answers.find(refuses) ?? new Response(null, { status: isStored ? 202 : 204 });
}
