/** Options that a user may mean, by the name that other tools give them. The first that the command has is suggested. */
const SYNONYMS: ReadonlyArray<readonly [names: readonly string[], meant: readonly string[]]> = [
  [
    ["server", "servers", "nats-url", "nats-server", "address", "connect", "context"],
    ["nats", "postgres"],
  ],
  [
    ["url", "endpoint", "target", "webhook"],
    ["to", "nats", "postgres"],
  ],
  [
    ["credentials", "creds-file", "user", "username", "password", "token", "nkey", "login"],
    ["creds", "postgres"],
  ],
  [["js-domain", "jetstream-domain"], ["domain"]],
  [["js-api-prefix", "jetstream-prefix"], ["api-prefix"]],
  [["database", "db", "dsn", "pg", "database-url", "connection-string"], ["postgres"]],
  [["kv", "store", "name"], ["bucket"]],
  [["command", "cmd", "run", "program"], ["exec"]],
  [["input", "in", "stdin", "path"], ["file"]],
  [["tenant", "tenant-id"], ["workspace"]],
  [["ttl", "dedup-ttl"], ["window"]],
  [["retries", "max-retries", "max-deliver", "tries", "max-attempts"], ["attempts"]],
  [["parallel", "jobs", "workers", "max-in-flight"], ["concurrency"]],
  [["dlq", "dead-letters", "dead-letter-subject"], ["dead-letter"]],
  [["force", "assume-yes", "no-confirm"], ["yes"]],
  [["dryrun", "simulate", "what-if", "preview"], ["dry-run"]],
  [["format", "output-format"], ["json"]],
  [["since", "after", "newer"], ["newer-than"]],
  [["until", "before", "older"], ["older-than"]],
  [["order", "order-by", "sort-by"], ["sort"]],
];

/**
 * Improves Commander's message for an unknown option. It suggests the option with the same meaning, and drops a suggestion that only
 * has letters in common. It omits the value, which may be a secret.
 * @param options long names of the command's options, such as `--nats`.
 */
export function unknownOptionText(text: string, options: readonly string[]): string {
  const [, name = ""] = /^error: unknown option '--([^'=]+)/.exec(text) ?? [];
  if (name === "") return text;
  const [, meant = []] = SYNONYMS.find(([names]) => names.includes(name)) ?? [];
  const synonym = meant.map((one) => `--${one}`).find((one) => options.includes(one));
  const similar = [...text.matchAll(/(?<=mean .*)--[\w-]+/g)].map(([one]) => one).filter((one) => one[2] === name[0]);
  const suggested = synonym === undefined ? similar : [synonym];
  const advice = suggested.length === 0 ? "" : `(Did you mean ${suggested.join(" or ")}?)\n`;
  return `error: unknown option '--${name}'\n${advice}`;
}
