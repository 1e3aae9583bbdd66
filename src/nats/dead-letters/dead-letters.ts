import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { objectWith } from "../../internal/validate.ts";
import type { DeadLetter, DeadLetters, RedriveResult } from "../../model/dead-letter.ts";
import type { Store } from "../../model/store.ts";
import { resolveApiPrefix } from "../kv/store-options.ts";
import { publishableSubject } from "../wire/subject.ts";
import { letterOf } from "./letter.ts";
import { LetterStream } from "./letter-stream.ts";
import { redriveLetter } from "./redrive.ts";

/** Options of {@link deadLetters}. */
export interface DeadLettersOptions {
  /** Subject of the dead letters, as in `consume`. A stream stores it. */
  readonly subject: string;
  /** Store of the replicas, such as `natsStore`. A redrive checks and clears the event's key in it. */
  readonly store: Store;
  /** JetStream domain of the dead letters, as in `natsStore`. @default the connection's */
  readonly domain?: string;
  /** Prefix of the JetStream API's subjects, as in `natsStore`. Not together with `domain`. @default "$JS.API" */
  readonly apiPrefix?: string;
}

/** The NATS client's default for JetStream requests. */
const TIMEOUT_MS = 5_000;

/**
 * Lists, redrives and drops the dead letters of a subject.
 * @throws {TypeError} for a wrong option.
 */
export async function deadLetters(connection: NatsConnection, options: DeadLettersOptions): Promise<DeadLetters> {
  objectWith("options", options);
  const { store } = options;
  const subject = publishableSubject("subject", options.subject);
  objectWith("store", store, "get");
  const apiPrefix = resolveApiPrefix(options);
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS, apiPrefix });
  const letters = new LetterStream(jsm, subject);
  const context = { letters, jetstream: jetstream(connection, { timeout: TIMEOUT_MS, apiPrefix }), store };
  return {
    list: () => letters.letters(),
    async get(sequence): Promise<DeadLetter | undefined> {
      const message = await letters.message(sequence);
      return message === undefined ? undefined : letterOf(message);
    },
    redrive: (sequence): Promise<RedriveResult> => redriveLetter(context, sequence),
    drop: (sequence): Promise<boolean> => letters.remove(sequence),
  };
}
