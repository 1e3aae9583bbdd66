import { amount } from "../../../internal/counted.ts";
import { MAX_LINE_BYTES } from "../input/lines.ts";

/** Why a line or message is not an event that can be dispatched. */
export type EventProblem =
  | { readonly problem: "too-long"; readonly bytes: number }
  | { readonly problem: "not-utf-8" }
  | { readonly problem: "not-json" }
  /** Not a JSON object but, for example, `a number`. */
  | { readonly problem: "not-an-object"; readonly found: string }
  /** Several events in one line. The hint is a command that separates them. */
  | { readonly problem: "batch"; readonly of: string; readonly separateWith: string }
  | { readonly problem: "unknown-format" }
  /** A recorded request of an unknown sender. */
  | { readonly problem: "unknown-sender" }
  | { readonly problem: "invalid-attribute"; readonly attribute: string; readonly found: string }
  /** The field that identifies the event is missing, or is not an id. */
  | { readonly problem: "no-id"; readonly of: string; readonly why: string }
  | { readonly problem: "no-payload"; readonly of: string; readonly found: string }
  | { readonly problem: "not-base64"; readonly member: string };

const USE_ID = "give --id <header or JSON pointer>";

/** Describes a problem and what to do, without any of the line's content. */
export function problemText(problem: EventProblem): string {
  switch (problem.problem) {
    case "too-long":
      return `the line has ${amount(problem.bytes)} bytes, and the maximum is ${amount(MAX_LINE_BYTES)}`;
    case "not-utf-8":
      return "not UTF-8, which JSON must be";
    case "not-json":
      return "not JSON: expected one JSON object";
    case "not-an-object":
      return `${problem.found}, not a JSON object`;
    case "batch":
      return `a batch of ${problem.of}: write one per line with ${problem.separateWith}`;
    case "unknown-format":
      return `no identity: neither a CloudEvent (no \`specversion\`) nor the recorded webhook of a known sender; ${USE_ID}`;
    case "unknown-sender":
      return `no identity: a recorded request without the headers of a known sender; ${USE_ID}`;
    case "invalid-attribute":
      return attributeText(problem.attribute, problem.found);
    case "no-id":
      return `no identity: ${problem.why} (${problem.of})`;
    case "no-payload":
      return problem.found === "nothing"
        ? `the ${problem.of} has no \`body\` or \`payload\``
        : `the ${problem.of} has no payload: its \`body\` is ${problem.found}`;
    case "not-base64":
      return `\`${problem.member}\` is not base64`;
  }
}

const REQUIRED: ReadonlySet<string> = new Set(["specversion", "id", "source", "type"]);

function attributeText(attribute: string, found: string): string {
  if (found === "nothing") return `the CloudEvent has no \`${attribute}\``;
  const allowed = REQUIRED.has(attribute) ? "a non-empty string" : "a string, a boolean or an integer of 32 bits";
  const why = found === "a number" ? ": JSON parsers round large numbers" : "";
  return `the CloudEvent's \`${attribute}\` is ${found}, not ${allowed}${why}`;
}
