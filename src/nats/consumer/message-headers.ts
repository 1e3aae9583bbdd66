import type { MsgHdrs } from "@nats-io/nats-core";
import type { ReceivedMessage } from "./identify.ts";

/** The client decodes headers when they are asked for, and throws on what other clients and the server let pass. */
export function headersOf(message: ReceivedMessage): MsgHdrs | undefined | "unreadable" {
  try {
    return message.headers;
  } catch {
    return "unreadable";
  }
}
