import { type KeyTally, NO_KEYS, tallyText, totalOf, withKey } from "../stored-keys/key-tally.ts";
import type { StoredKey, UnreadableKey } from "../stored-keys/stored-key.ts";
import { count } from "../terminal/format.ts";
import { escaped } from "../terminal/printable.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { symptoms } from "./symptoms.ts";
import { WorstKeys } from "./worst-keys.ts";

const records = findingsAbout("records");

/** Examines every key of a bucket and reports stuck and unreadable ones. */
export class RecordExaminer {
  readonly #skewMs: number;
  readonly #matches = symptoms.map((symptom) => ({ symptom, keys: new WorstKeys(symptom.rank) }));
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
    const now = { serverMs, skewMs: this.#skewMs };
    for (const { symptom, keys } of this.#matches) {
      if (symptom.matches(stored, now)) keys.add(stored, symptom.detail(stored, now));
    }
  }

  get examined(): number {
    return totalOf(this.#tally);
  }

  findings(): readonly Finding[] {
    const keys = this.examined === 0 ? "the bucket is empty" : tallyText(this.#tally);
    return [records.ok("keys", keys), ...this.#unreadableFindings(), ...this.#suspectFindings()];
  }

  #unreadableFindings(): readonly Finding[] {
    const findings: Finding[] = [];
    if (this.#firstUnreadable !== undefined) {
      const number = this.#tally.unreadable - this.#keyless;
      const evidence = `${count(number, "record is unreadable, so its event", "records are unreadable, so their events")} cannot be dispatched: ${escaped(this.#firstUnreadable.reason)}${number > 1 ? ", …" : ""}`;
      const remedy = "find the program that wrote them; latchkey clear --all --state unreadable removes them";
      findings.push(records.error("unreadable", evidence, remedy));
    }
    if (this.#firstKeyless !== undefined) {
      const evidence = `${count(this.#keyless, "message has", "messages have")} no valid Latchkey key: ${escaped(this.#firstKeyless.subject)}${this.#keyless > 1 ? ", …" : ""}`;
      const remedy = "find the other program that writes to this bucket: only Latchkey should";
      findings.push(records.warning("foreign", evidence, remedy));
    }
    return findings;
  }

  #suspectFindings(): readonly Finding[] {
    return this.#matches.flatMap(({ symptom: { check, severity, description, remedy }, keys }) => {
      const evidence = keys.text(...description);
      return evidence === undefined ? [] : [records[severity](check, evidence, remedy)];
    });
  }
}
