import { parseWholeNumber } from "../../internal/whole-number.ts";
import type { DeadLetter, DeadLetters } from "../../model/dead-letter.ts";
import type { Redaction } from "./redaction.ts";
import { errorResponse, respondJson } from "./responses.ts";
import type { LetterList, LetterRow } from "./wire.ts";

/** Answers requests to one address. */
export type RouteHandler = (request: Request, url: URL) => Response | Promise<Response>;

/** Maximum number of letters in a response. The page shows the oldest. */
const MOST_LETTERS = 2_000;

/** Returns the routes that list, redrive and drop dead letters, by method and path. */
export function deadLetterRoutes(
  deadLetters: DeadLetters | undefined,
  redaction: Redaction,
  change: (route: RouteHandler) => RouteHandler,
): Readonly<Record<string, RouteHandler>> {
  if (deadLetters === undefined) return {};

  async function list(letters: DeadLetters): Promise<LetterList> {
    const rows: LetterRow[] = [];
    for await (const letter of letters.list()) {
      if (rows.length === MOST_LETTERS) return { letters: rows, hasMore: true };
      rows.push(rowOf(letter, redaction));
    }
    return { letters: rows, hasMore: false };
  }

  const withSequence = (answer: (sequence: number) => Promise<unknown>): RouteHandler =>
    change(async (_, { searchParams }) => {
      const sequence = parseWholeNumber(searchParams.get("sequence") ?? "");
      if (sequence === undefined) return errorResponse("wrong-request", "Expected `sequence`");
      return respondJson(await answer(sequence));
    });

  return {
    "GET /api/dead": async () => respondJson(await list(deadLetters)),
    "POST /api/dead/redrive": withSequence(async (sequence) => {
      const result = await deadLetters.redrive(sequence);
      return "problem" in result ? { ...result, problem: redaction.cause(result.problem) } : result;
    }),
    "POST /api/dead/drop": withSequence(async (sequence) => ({
      result: (await deadLetters.drop(sequence)) ? "dropped" : "gone",
    })),
  };
}

function rowOf({ identity, error, ...letter }: DeadLetter, redaction: Redaction): LetterRow {
  return {
    ...letter,
    error: redaction.cause(error),
    ...(identity === undefined ? {} : { identity: redaction.identity(identity) }),
  };
}
