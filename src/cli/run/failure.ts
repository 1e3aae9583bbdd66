import type { ErrorCode } from "../../errors.ts";
import { seconds } from "../terminal/format.ts";
import type { DispatchFailure } from "./target/target.ts";

/** Why an event was not dispatched: the target failed, or Latchkey could not reserve or commit. */
export type Failure =
  | DispatchFailure
  | { readonly failure: "latchkey"; readonly code: ErrorCode; readonly message: string };

/** Describes a failure, to follow "failed: ". */
export function failureText(failure: Failure): string {
  switch (failure.failure) {
    case "status":
      return `the endpoint answered ${failure.status}`;
    case "unreachable":
      return `the endpoint is unreachable${failure.code === undefined ? "" : ` (${failure.code})`}`;
    case "not-started":
      return `the command could not be started (${failure.code})`;
    case "exit":
      return `the command exited with code ${failure.exitCode}`;
    case "killed":
      return `the command was killed by ${failure.by}`;
    case "timeout":
      return `no answer within ${seconds(failure.timeoutMs)}`;
    case "aborted":
      return "the dispatch was aborted, because its reservation was about to end";
    case "latchkey":
      return failure.message;
  }
}
