const ENABLE = "check that JetStream is enabled on the server and for this account, and --domain or --api-prefix";
const GRANT = "grant the permission, or use other credentials";

/** Advice about an error of NATS, by its name. The packages are optional peers, so their classes are not imported. */
const BY_NAME: Readonly<Record<string, string>> = {
  NoRespondersError: ENABLE,
  JetStreamNotEnabled: ENABLE,
  ClosedConnectionError: "check the server and the credentials: the connection was lost",
  TimeoutError: "check that the server is not overloaded, and that JetStream has a leader",
};

/** Advice about an error of JetStream's API, by its code. */
const BY_CODE: Readonly<Record<string, string>> = {
  10014: "correct --consumer, or create the consumer",
  10039: ENABLE,
  10059: "correct the name of the stream or bucket, or --domain",
  10076: ENABLE,
};

/** Returns advice about a NATS error, or about its nearest known cause. The advice is an imperative without a capital. */
export function natsAdvice(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const advice = adviceFor(one);
    if (advice !== undefined) return advice;
  }
  return undefined;
}

function adviceFor(error: Error): string | undefined {
  if (error.name === "PermissionViolationError") {
    const isAnswer = "operation" in error && error.operation === "subscription";
    return isAnswer ? "give a prefix that this user may subscribe to: --inbox-prefix <subject>" : GRANT;
  }
  return BY_NAME[error.name] ?? ("code" in error ? BY_CODE[String(error.code)] : undefined);
}
