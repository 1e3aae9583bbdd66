import type { JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";

/** A message as `identify` and `dispatch` see it: without the methods that answer it. */
export type ReceivedMessage = Omit<JsMsg, "ack" | "ackAck" | "nak" | "next" | "term" | "working">;

/** Returns the headers. The client decodes them on access, and throws on some that servers and other clients accept. */
export function headersOf(message: ReceivedMessage): MsgHdrs | undefined | "unreadable" {
  try {
    return message.headers;
  } catch {
    return "unreadable";
  }
}
