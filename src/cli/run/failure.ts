import type { ErrorCode } from "../../errors.ts";
import { span } from "../../inspect/conclusions/duration.ts";
import { connectionText } from "./target/connection-errors.ts";
import type { TargetFailure } from "./target/target.ts";

/** Why an event was not dispatched: the target failed, or Latchkey could not reserve or commit. */
export type EventFailure =
  | TargetFailure
  | { readonly failure: "latchkey"; readonly code: ErrorCode; readonly message: string };

const MISMATCH =
  "another payload was dispatched under this id: two events share it; identify them by another field with --id";

/** Describes a failure, to follow "failed: ". */
export function failureText(failure: EventFailure): string {
  switch (failure.failure) {
    case "status":
      return statusText(failure);
    case "unreachable":
      return connectionText(failure);
    case "not-started":
      return notStartedText(failure.code);
    case "exit":
      return exitText(failure.exitCode);
    case "killed":
      return `the command was killed by ${failure.by}`;
    case "timeout":
      return failure.of === "command"
        ? `the command did not finish within ${span(failure.timeoutMs)} (--timeout)`
        : `the endpoint did not answer within ${span(failure.timeoutMs)} (--timeout)`;
    case "aborted":
      return "the dispatch was aborted, because its reservation was about to end";
    case "latchkey":
      return failure.code === "fingerprint-mismatch" ? MISMATCH : failure.message;
  }
}

/** Advice about the options of the run, by the status of a response. */
const STATUS_ADVICE: Readonly<Record<number, string>> = {
  101: "it is not an endpoint for webhooks: check --to",
  401: "it wants credentials: give --header, such as 'Authorization: …'",
  403: "it refuses the credentials: check --header",
  404: "check the path of --to",
  405: "it does not accept a POST: check the path of --to",
  407: "the proxy wants credentials: put them into its variable, as http://user:password@host:port",
  414: "the URL of --to is too long",
  431: "the headers are too long: check --header",
};
const REDIRECT = "it redirects, which is not followed: give the new address to --to";

function statusText({ status, via }: Extract<EventFailure, { readonly failure: "status" }>): string {
  const advice = status >= 300 && status <= 399 ? REDIRECT : STATUS_ADVICE[status];
  return `the endpoint${via === "proxy" ? " or the proxy" : ""} answered ${status}${advice === undefined ? "" : `; ${advice}`}`;
}

const NOT_STARTED: Readonly<Record<string, string>> = {
  E2BIG: "the event id or type is too long for its environment",
  EAGAIN: "this user has too many processes; lower --concurrency, or raise the limit (ulimit -u)",
  EMFILE: "too many files are open; lower --concurrency, or raise the limit (ulimit -n)",
  ENFILE: "the machine has too many open files; lower --concurrency",
  ENOMEM: "there is not enough memory; lower --concurrency",
};

function notStartedText(code: string): string {
  const why = NOT_STARTED[code];
  return `the command could not be started${why === undefined ? "" : `: ${why}`} (${code})`;
}

/** Meanings of the exit codes that all shells share. */
const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  126: "in a shell: a program is not executable",
  127: "in a shell: a program does not exist",
};

function exitText(exitCode: number): string {
  const meaning = EXIT_MEANINGS[exitCode];
  return `the command exited with code ${exitCode}${meaning === undefined ? "" : ` (${meaning})`}`;
}
