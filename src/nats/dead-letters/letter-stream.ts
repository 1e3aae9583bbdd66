import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { LatchkeyError } from "../../errors.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import { apiCodeOf, apiCodes } from "../wire/error-codes.ts";
import { letterOf } from "./letter.ts";

/** The stream that stores dead letters under a subject. Reads from its leader, so a removed message is never read again. */
export class LetterStream {
  readonly #jsm: JetStreamManager;
  readonly #subject: string;
  #name: string | undefined;

  constructor(jsm: JetStreamManager, subject: string) {
    this.#jsm = jsm;
    this.#subject = subject;
  }

  /** Returns the stream's name. */
  async name(): Promise<string> {
    this.#name ??= await this.#find();
    return this.#name;
  }

  /** Reads all messages under the subject, oldest first, with one request per message. */
  async *messages(): AsyncGenerator<StoredMsg, void> {
    for (let from = 1; ; ) {
      // The client's types lack the combination, but the server accepts it.
      const next = { seq: from, next_by_subj: this.#subject };
      const message = await this.#ask("read", (stream) => this.#jsm.streams.getMessage(stream, next));
      if (message === null) return;
      from = message.seq + 1;
      yield message;
    }
  }

  /** Reads all letters, oldest first. Skips messages that Latchkey did not write. */
  async *letters(): AsyncGenerator<DeadLetter, void> {
    for await (const message of this.messages()) {
      const letter = letterOf(message);
      if (letter !== undefined) yield letter;
    }
  }

  /** Returns the message with a number, if it is stored under the subject. */
  async message(seq: number): Promise<StoredMsg | undefined> {
    const message = await this.#ask("read", (stream) => this.#jsm.streams.getMessage(stream, { seq }));
    return message?.subject === this.#subject ? message : undefined;
  }

  /** Returns the message with a number in another stream; `undefined` if the stream or the message is gone. */
  async originalMessage(stream: string, seq: number): Promise<StoredMsg | undefined> {
    try {
      return (await this.#jsm.streams.getMessage(stream, { seq })) ?? undefined;
    } catch (cause) {
      if (apiCodeOf(cause) === apiCodes.noStream) return undefined;
      throw failed(`Stream ${stream} cannot be read`, cause);
    }
  }

  /** @throws {LatchkeyError} `dead-letters-unavailable` if the stream does not allow the removal of messages. */
  async checkRemovable(): Promise<void> {
    const { config } = await this.#ask("examined", (stream) => this.#jsm.streams.info(stream));
    if (config.deny_delete) throw failed(`Stream ${config.name} keeps its messages: \`deny_delete\` is set`);
  }

  /** Removes a message. Returns false if it was gone. */
  async remove(seq: number): Promise<boolean> {
    try {
      return await this.#ask("changed", (stream) => this.#jsm.streams.deleteMessage(stream, seq, false));
    } catch (error) {
      // The server answers a missing message with different codes.
      if (apiCodeOf(error) === undefined || (await this.message(seq)) !== undefined) throw error;
      return false;
    }
  }

  async #ask<Answer>(what: string, ask: (stream: string) => Promise<Answer>): Promise<Answer> {
    const stream = await this.name();
    try {
      return await ask(stream);
    } catch (cause) {
      throw failed(`Stream ${stream} cannot be ${what}`, cause);
    }
  }

  async #find(): Promise<string> {
    let names: readonly string[];
    try {
      names = await this.#jsm.streams.names(this.#subject).next();
    } catch (cause) {
      throw failed(`The stream of \`${this.#subject}\` cannot be found`, cause);
    }
    const [name] = names;
    if (name === undefined)
      throw failed(`No stream stores \`${this.#subject}\`: correct the subject, or create a stream for it`);
    return name;
  }
}

function failed(what: string, cause?: unknown): LatchkeyError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new LatchkeyError("dead-letters-unavailable", what + reason, cause === undefined ? {} : { cause });
}
