import type { JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { isObject } from "../../internal/is-object.ts";
import { multiplexerOf } from "../wire/request-multiplexer.ts";

/** The server's answer to an acknowledgement. `not sent`: the message was answered before. */
export type AckAnswer = "confirmed" | "not sent" | { readonly error: unknown };

/** Acknowledges a message with confirmation. Calls `onAnswer` once and never throws. */
export type Acknowledge = (message: Pick<JsMsg, "ackAck">, onAnswer: (answer: AckAnswer) => void) => void;

/** Body of an acknowledgement. */
const ACK = "+ACK";

/**
 * Returns a function that acknowledges a consumer's messages with confirmation, like `ackAck`, over the request multiplexer: `ackAck`
 * takes 20 µs more (docs/performance.md).
 *
 * That needs the connection of the consumer and the reply subject of the message. The client's objects have both, but `Consumer` and
 * `JsMsg` do not declare them. For objects of any other shape, for a message that its dispatch answered, and while the connection
 * drains, the function calls `ackAck`.
 */
export function confirmedAcks(consumer: object): Acknowledge {
  const client = clientOf(consumer);
  if (client === undefined) return acknowledgeByClient;
  const { connection, inboxPrefix, timeoutMs } = client;
  const requests = multiplexerOf(connection, inboxPrefix);
  return (message, onAnswer) => {
    const reply = replyOf(message);
    if (reply === undefined || connection.isDraining()) {
      acknowledgeByClient(message, onAnswer);
      return;
    }
    requests.send(reply, ACK, { timeoutMs }, (answer) =>
      onAnswer(answer instanceof Error ? { error: answer } : "confirmed"),
    );
  };
}

function acknowledgeByClient(message: Pick<JsMsg, "ackAck">, onAnswer: (answer: AckAnswer) => void): void {
  message.ackAck().then(
    (isConfirmed) => onAnswer(isConfirmed ? "confirmed" : "not sent"),
    (error: unknown) => onAnswer({ error }),
  );
}

/** Returns `undefined` for a message that does not reveal its reply subject, or that was answered before. */
function replyOf(message: object): string | undefined {
  const isUnanswered = "didAck" in message && message.didAck === false;
  const reply = "reply" in message ? message.reply : undefined;
  return isUnanswered && typeof reply === "string" && reply !== "" ? reply : undefined;
}

interface Client {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string | undefined;
  /** The client's time limit for answers, in milliseconds. */
  readonly timeoutMs: number;
}

function clientOf(consumer: object): Client | undefined {
  if (!("api" in consumer) || !isObject(consumer.api)) return undefined;
  const { nc: connection, timeout: timeoutMs } = consumer.api;
  if (!isConnection(connection) || typeof timeoutMs !== "number") return undefined;
  const options = "options" in connection && isObject(connection.options) ? connection.options : {};
  const { inboxPrefix } = options;
  return { connection, inboxPrefix: typeof inboxPrefix === "string" ? inboxPrefix : undefined, timeoutMs };
}

function isConnection(value: unknown): value is NatsConnection {
  if (!isObject(value)) return false;
  const { publish, subscribe, status, isDraining } = value;
  return [publish, subscribe, status, isDraining].every((method) => typeof method === "function");
}
