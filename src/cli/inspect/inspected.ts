import type { DeadLetters } from "../../model/dead-letter.ts";
import type { NatsStore } from "../../nats/index.ts";
import type { PostgresStore } from "../../postgres/index.ts";

/** The store that the page shows, with its name. */
export interface InspectedStore extends AsyncDisposable {
  readonly store: NatsStore | PostgresStore;
  readonly name: string;
  /** Opens the dead letters of a subject. Missing for PostgreSQL. */
  readonly openDeadLetters?: (subject: string) => Promise<DeadLetters>;
}
