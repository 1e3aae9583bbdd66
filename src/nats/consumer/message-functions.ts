import { isObject } from "../../internal/is-object.ts";
import { objectWith, text } from "../../internal/validate.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../model/identity.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import type { ReceivedMessage } from "./received-message.ts";

/** Thrown if a function of the caller returned a promise. No message is to blame, because all of them would fail. */
export class PromiseReturnedError extends TypeError {
  override readonly name: string = "PromiseReturnedError";
  readonly finding: ConsumerFinding;

  constructor(option: string) {
    const problem = `the function \`${option}\` returned a promise, so it fails for every message`;
    const wrong = finding("error", option, problem, "return the value itself, without `async`");
    super(wrong.sentence);
    this.finding = wrong;
  }
}

/** Identity of a message's event, and the hash of its payload if the caller computes one. */
interface Identified {
  readonly identity: ResolvedIdentity;
  readonly fingerprint: string | undefined;
}

/** Identifies a message with the caller's functions. @throws {Error} if one of them throws, or returns anything else. */
export function identifyMessage(
  { identify, fingerprint }: Pick<ResolvedConsumeOptions, "identify" | "fingerprint">,
  message: ReceivedMessage,
  subscriptionId: string,
): Identified {
  const found = synchronous("identify", identify(message, subscriptionId));
  objectWith("the result of identify", found);
  if ("unidentifiable" in found) throw new Error(`The message has no identity: ${found.unidentifiable}`);
  return {
    identity: resolveIdentity(found),
    fingerprint: fingerprint === undefined ? undefined : textFrom("fingerprint", fingerprint, message),
  };
}

/** Returns the ordering key of a message. @throws {Error} if the caller's function throws, or returns anything else. */
export function orderingKeyOf(orderBy: (message: ReceivedMessage) => string, message: ReceivedMessage): string {
  return textFrom("orderBy", orderBy, message);
}

function textFrom(option: string, read: (message: ReceivedMessage) => string, message: ReceivedMessage): string {
  return text(`the result of ${option}`, synchronous(option, read(message)));
}

/** Returns `value`. @throws {PromiseReturnedError} if it is a promise. */
function synchronous<Value>(option: string, value: Value): Value {
  if (!isObject(value) || typeof value["then"] !== "function") return value;
  // Nobody waits for the promise: its rejection would end the process.
  Promise.resolve(value).catch(() => {});
  throw new PromiseReturnedError(option);
}
