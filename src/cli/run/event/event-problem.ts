import { amount } from "../../terminal/format.ts";

/** Why a line is not an event that can be dispatched. */
export type EventProblem =
  | { readonly problem: "too-long"; readonly bytes: number }
  | { readonly problem: "not-utf-8" }
  | { readonly problem: "not-json" }
  | { readonly problem: "not-an-object" }
  | { readonly problem: "unknown-format" }
  | { readonly problem: "no-attribute"; readonly attribute: string }
  | { readonly problem: "no-delivery-id" }
  | { readonly problem: "no-payload" }
  | { readonly problem: "not-base64" };

/** Describes a problem without any of the line's content. */
export function problemText(problem: EventProblem): string {
  switch (problem.problem) {
    case "too-long":
      return `the line exceeds the maximum length (${amount(problem.bytes)} bytes)`;
    case "not-utf-8":
      return "not UTF-8";
    case "not-json":
      return "not JSON";
    case "not-an-object":
      return "not a JSON object";
    case "unknown-format":
      return "no identity: neither a CloudEvent (no `specversion`) nor a GitHub delivery (no GitHub `headers`)";
    case "no-attribute":
      return `the CloudEvent has no \`${problem.attribute}\``;
    case "no-delivery-id":
      return "the GitHub delivery has no `x-github-delivery`";
    case "no-payload":
      return "the GitHub delivery has no `body` or `payload`";
    case "not-base64":
      return "the CloudEvent's `data_base64` is not base64";
  }
}
