import type { ErrorCode } from "../../errors.ts";
import { seconds } from "../terminal/format.ts";
import { connectionText } from "./target/connection-errors.ts";
import type { DispatchFailure } from "./target/target.ts";

/** Why an event was not dispatched: the target failed, or Latchkey could not reserve or commit. */
export type Failure =
  | DispatchFailure
  | { readonly failure: "latchkey"; readonly code: ErrorCode; readonly message: string };

const MISMATCH =
  "another payload was dispatched under this id: two events share it; identify them by another field with --id";

/** Describes a failure, to follow "failed: ". */
export function failureText(failure: Failure): string {
  switch (failure.failure) {
    case "status":
      return `the endpoint answered ${failure.status}`;
    case "unreachable":
      return connectionText(failure.code);
    case "not-started":
      return failure.code === "E2BIG"
        ? "the command could not be started: the event id or type is too long for its environment (E2BIG)"
        : `the command could not be started (${failure.code})`;
    case "exit":
      return `the command exited with code ${failure.exitCode}`;
    case "killed":
      return `the command was killed by ${failure.by}`;
    case "timeout":
      return failure.of === "command"
        ? `the command did not finish within ${seconds(failure.timeoutMs)} (--timeout)`
        : `the endpoint did not answer within ${seconds(failure.timeoutMs)} (--timeout)`;
    case "aborted":
      return "the dispatch was aborted, because its reservation was about to end";
    case "latchkey":
      return failure.code === "fingerprint-mismatch" ? MISMATCH : failure.message;
  }
}
