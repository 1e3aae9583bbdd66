import { type KeyTally, NO_KEYS, tallyText, totalOf, withKey } from "../bucket/key-tally.ts";
import type { StoredKey, UnreadableKey } from "../bucket/stored-key.ts";
import { count, harmless } from "../terminal/style.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { suspicions } from "./suspicions.ts";
import { WorstKeys } from "./worst-keys.ts";

const records = findingsAbout("records");

/** Looks at every key of a bucket, and says what is stuck. */
export class RecordExaminer {
  readonly #skewMs: number;
  readonly #suspects = suspicions.map((suspicion) => ({ suspicion, keys: new WorstKeys(suspicion.badness) }));
  #tally: KeyTally = NO_KEYS;
  #keyless = 0;
  #firstUnreadable: UnreadableKey | undefined;
  #firstKeyless: UnreadableKey | undefined;

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /** @param serverMs what the clock of its bucket shows. */
  add(kept: StoredKey, serverMs: number): void {
    this.#tally = withKey(this.#tally, kept);
    if (kept.state === "unreadable") {
      if (kept.key === undefined) {
        this.#keyless += 1;
        this.#firstKeyless ??= kept;
      } else this.#firstUnreadable ??= kept;
    }
    if (kept.state !== "reserved") return;
    const now = { serverMs, skewMs: this.#skewMs };
    for (const { suspicion, keys } of this.#suspects) {
      if (suspicion.isSuspect(kept, now)) keys.add(kept, suspicion.detail(kept, now));
    }
  }

  get examined(): number {
    return totalOf(this.#tally);
  }

  findings(): readonly Finding[] {
    const keys = this.examined === 0 ? "there are none" : tallyText(this.#tally);
    return [records.ok("keys", keys), ...this.#unreadableFindings(), ...this.#suspectFindings()];
  }

  #unreadableFindings(): readonly Finding[] {
    const findings: Finding[] = [];
    if (this.#firstUnreadable !== undefined) {
      const number = this.#tally.unreadable - this.#keyless;
      const evidence = `${count(number, "record cannot be read, so that its event", "records cannot be read, so that their events")} cannot be dispatched: ${harmless(this.#firstUnreadable.reason)}${number > 1 ? ", …" : ""}`;
      const remedy = "find out who wrote that; latchkey clear --all --state unreadable removes it";
      findings.push(records.error("unreadable", evidence, remedy));
    }
    if (this.#firstKeyless !== undefined) {
      const evidence = `${count(this.#keyless, "message has", "messages have")} no key of Latchkey: ${harmless(this.#firstKeyless.subject)}${this.#keyless > 1 ? ", …" : ""}`;
      const remedy = "find out who else writes to this bucket: it should be Latchkey's alone";
      findings.push(records.warning("foreign", evidence, remedy));
    }
    return findings;
  }

  #suspectFindings(): readonly Finding[] {
    return this.#suspects.flatMap(({ suspicion: { check, severity, what, remedy }, keys }) => {
      const evidence = keys.text(...what);
      return evidence === undefined ? [] : [records[severity](check, evidence, remedy)];
    });
  }
}
