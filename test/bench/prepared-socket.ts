import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { NatsConnection } from "@nats-io/nats-core";
import { type BatchPlace, type CompareAndSet, writeHeaders } from "../../src/nats/wire/compare-and-set.ts";
import { bucketStream, subjectOf } from "../../src/nats/wire/subject.ts";
import { manager } from "../support/nats-bucket.ts";
import { keyOf, PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import type { Contestant, Guarantees } from "./contestant.ts";
import { rateDuring } from "./measure.ts";

const REPLY = "_INBOX.prepared.1";
const ACKNOWLEDGED = /"seq":\d+|"error"/g;

/** Form of the writes: `together` at a time, singly or as one atomic batch, with `inFlight` such steps unacknowledged. */
export interface Shape {
  readonly name: string;
  readonly guarantees: Guarantees;
  readonly events: number;
  readonly together: number;
  readonly inFlight: number;
  readonly asBatches: boolean;
}

/**
 * Writes the same compare-and-sets to a socket, as bytes that were prepared before the measurement: the speed of the servers for
 * a client without cost. Nothing else writes to the bucket, so all revisions are known in advance.
 *
 *     step       0    1    2    3    4    5    …    with two in flight: each is sent when the second before it is acknowledged
 *     writes     R₀   R₁   C₀   C₁   R₂   R₃   …    reservations of a block of events, and their commits
 */
export function prepared(connection: NatsConnection, bucket: string, shape: Shape): Contestant {
  const { name, guarantees, events, together, inFlight } = shape;
  const steps = 2 * inFlight * Math.ceil(events / together / inFlight);
  return {
    name,
    guarantees,
    async rate(round) {
      const jsm = await manager(connection);
      const { last_seq: before } = (await jsm.streams.info(bucketStream(bucket))).state;
      const revisionOf = (step: number, index: number) => before + step * together + index + 1;
      const bytes = Array.from({ length: steps }, (_, step) => {
        const isCommit = Math.floor(step / inFlight) % 2 === 1;
        const reserving = isCommit ? step - inFlight : step;
        const write = (index: number): CompareAndSet => ({
          key: keyOf(`prepared-${round}-${reserving}-${index}`),
          expected: isCommit ? revisionOf(reserving, index) : 0,
          payload: PAYLOAD,
          ttlSeconds: isCommit ? WINDOW_S : RESERVATION_S,
          operation: "put",
          timeoutMs: 5_000,
        });
        const place = (index: number): BatchPlace | undefined =>
          shape.asBatches ? { id: `${round}-${step}`, number: index + 1, isLast: index + 1 === together } : undefined;
        return Buffer.concat(
          Array.from({ length: together }, (__, index) => bytesOf(bucket, write(index), place(index))),
        );
      });
      const socket = await opened(connection.getServer());
      return rateDuring((steps * together) / 2, () =>
        sendAll(socket, bytes, inFlight, shape.asBatches ? 1 : together).finally(() => socket.destroy()),
      );
    },
  };
}

function bytesOf(bucket: string, write: CompareAndSet, place: BatchPlace | undefined): Buffer {
  const head = writeHeaders(bucketStream(bucket), write, 0, place).encode();
  const reply = place === undefined || place.isLast ? `${REPLY} ` : "";
  const first = `HPUB ${subjectOf(bucket, write.key)} ${reply}${head.length} ${head.length + write.payload.length}\r\n`;
  return Buffer.concat([Buffer.from(first), head, Buffer.from(`${write.payload}\r\n`)]);
}

async function opened(server: string): Promise<Socket> {
  const { hostname, port } = new URL(`nats://${server}`);
  const socket = connect(Number(port), hostname).setNoDelay();
  await once(socket, "data");
  socket.write(`CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB ${REPLY} 1\r\nPING\r\n`);
  await once(socket, "data");
  return socket;
}

function sendAll(socket: Socket, steps: readonly Buffer[], inFlight: number, acksAStep: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let acks = 0;
    let rest = "";
    const send = (): void => {
      for (; sent < steps.length && acks >= (sent - inFlight + 1) * acksAStep; sent += 1)
        socket.write(steps[sent] ?? "");
    };
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      const text = rest + chunk.toString("latin1");
      if (text.includes("PING\r\n")) socket.write("PONG\r\n");
      const whole = text.slice(0, text.lastIndexOf("}") + 1);
      rest = text.slice(whole.length);
      const answers = [...whole.matchAll(ACKNOWLEDGED)];
      if (/"error"|-ERR/.test(text)) reject(new Error(`Refused: ${text}`));
      acks += answers.length;
      if (acks === steps.length * acksAStep) resolve();
      else send();
    });
    send();
  });
}
