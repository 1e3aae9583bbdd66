import { evidenceOf, SUSPICIONS, type Suspicion, suspicionWords } from "../../inspect/conclusions/suspicion.ts";
import { counted } from "../../internal/counted.ts";
import { type KeyTally, NO_KEYS, tallyText, totalOf, withKey } from "../stored-keys/key-tally.ts";
import type { ReservedKey, StoredKey, UnreadableKey } from "../stored-keys/stored-key.ts";
import { reservationTimes, suspicionAbout } from "../stored-keys/verdict.ts";
import { escaped } from "../terminal/printable.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { WorstKeys } from "./worst-keys.ts";

const records = findingsAbout("records");

/** Examines every key of a bucket and reports stuck and unreadable ones. */
export class RecordExaminer {
  readonly #skewMs: number;
  readonly #suspects = new Map<Suspicion, WorstKeys>();
  #tally: KeyTally = NO_KEYS;
  #keyless = 0;
  #firstUnreadable: UnreadableKey | undefined;
  #firstKeyless: UnreadableKey | undefined;

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /** @param serverMs current time of the server that leads the key's bucket. */
  add(stored: StoredKey, serverMs: number): void {
    this.#tally = withKey(this.#tally, stored);
    if (stored.state === "unreadable") {
      if (stored.key === undefined) {
        this.#keyless += 1;
        this.#firstKeyless ??= stored;
      } else this.#firstUnreadable ??= stored;
    }
    if (stored.state !== "reserved") return;
    const now = { nowMs: serverMs, skewMs: this.#skewMs };
    const suspicion = suspicionAbout(stored, now);
    if (suspicion === undefined) return;
    const suspects = this.#suspects.get(suspicion) ?? new WorstKeys(ranks[suspicion]);
    suspects.add(stored, evidenceOf(suspicion, reservationTimes(stored), now));
    this.#suspects.set(suspicion, suspects);
  }

  get examined(): number {
    return totalOf(this.#tally);
  }

  findings(): readonly Finding[] {
    const keys = this.examined === 0 ? "there are no keys" : tallyText(this.#tally);
    return [records.ok("keys", keys), ...this.#unreadableFindings(), ...this.#suspectFindings()];
  }

  #unreadableFindings(): readonly Finding[] {
    const findings: Finding[] = [];
    if (this.#firstUnreadable !== undefined) {
      const number = this.#tally.unreadable - this.#keyless;
      const evidence = `${counted(number, "record is unreadable, so its event", "records are unreadable, so their events")} cannot be dispatched: ${escaped(this.#firstUnreadable.reason)}${number > 1 ? ", …" : ""}`;
      const remedy = "find the program that wrote them; latchkey clear --all --state unreadable removes them";
      findings.push(records.error("unreadable", evidence, remedy));
    }
    if (this.#firstKeyless !== undefined) {
      const evidence = `${counted(this.#keyless, "record has", "records have")} no valid Latchkey key: ${escaped(this.#firstKeyless.subject)}${this.#keyless > 1 ? ", …" : ""}`;
      const remedy = "find the other program that writes here: only Latchkey should";
      findings.push(records.warning("foreign", evidence, remedy));
    }
    return findings;
  }

  #suspectFindings(): readonly Finding[] {
    return SUSPICIONS.flatMap((suspicion) => {
      const suspects = this.#suspects.get(suspicion);
      if (suspects === undefined) return [];
      const { title, advice } = suspicionWords[suspicion];
      const evidence = `${title}: ${suspects.text()}`;
      return [records[severityOf(suspicion)](suspicion, evidence, `${advice} latchkey show explains a key.`)];
    });
  }
}

/** A missed renewal is a warning here, however urgent it is on the page: it ends without intervention. */
function severityOf(suspicion: Suspicion): "warning" | "error" {
  return suspicion === "silent" ? "warning" : suspicionWords[suspicion].severity;
}

const longestHeld = ({ heldSinceMs }: ReservedKey): number => -heldSinceMs;

/** Sort keys of suspicious keys: a larger number is worse. */
const ranks: Readonly<Record<Suspicion, (stored: ReservedKey) => number>> = {
  overdue: ({ leaseEndsAtMs }) => -leaseEndsAtMs,
  endless: ({ endsAtMs = Number.MAX_VALUE }) => endsAtMs,
  silent: longestHeld,
  "long-held": longestHeld,
  retried: ({ record }) => record.attempt,
};
