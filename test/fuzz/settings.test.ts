import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { natsAddress } from "../../src/cli/connection/nats-address.ts";
import { CommandError } from "../../src/cli/terminal/command-error.ts";
import { Deduplicator, memoryStore, optionsFromEnv } from "../../src/index.ts";
import { hastyClock, run } from "../cli/support/fake-io.ts";

const text = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "1",
    "-1",
    "1.5",
    "60",
    " 60",
    "1e3",
    "٣",
    "0x1",
    "9007199254740",
    "9007199254741",
    "\u0000",
  ),
  fc.constantFrom("refuse", "dispatch", "Refuse", "refuse ", "\uD800", "x".repeat(70)),
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.nat().map(String),
);

describe("the environment", () => {
  it("makes options that can be used, or is refused by the name and value of a variable", () => {
    const variable = fc.constantFrom(
      "TRIGGER_DEDUP_TTL_SECONDS",
      "LATCHKEY_LEASE_SECONDS",
      "LATCHKEY_SKEW_SECONDS",
      "LATCHKEY_OWNER",
      "LATCHKEY_ON_STORE_UNAVAILABLE",
    );
    fc.assert(
      fc.property(fc.dictionary(variable, text), (env) => {
        let options: ReturnType<typeof optionsFromEnv>;
        try {
          options = optionsFromEnv(env);
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
          const named = /^Expected `(\w+)` to be .+, got `/s.exec(error instanceof Error ? error.message : "")?.[1];
          expect(env[named ?? ""]).toBeTruthy();
          return;
        }
        new Deduplicator({ store: memoryStore(), ...options });
        const seconds = (name: string): number | undefined =>
          env[name]?.trim() ? Number(env[name]) * 1_000 : undefined;
        expect(options.windowMs).toBe(seconds("TRIGGER_DEDUP_TTL_SECONDS"));
        expect(options.leaseMs).toBe(seconds("LATCHKEY_LEASE_SECONDS"));
        expect(options.skewMs).toBe(seconds("LATCHKEY_SKEW_SECONDS"));
        expect(options.owner).toBe(env["LATCHKEY_OWNER"]?.trim() || undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it("names servers, or is refused without repeating what may be a password", () => {
    const part = fc.constantFrom(
      "nats://",
      "tls://",
      "http://",
      "user",
      ":",
      "s3cret",
      "@",
      "%",
      "%41",
      "%ff",
      "host",
      ":4222",
    );
    const address = fc
      .array(fc.oneof(part, fc.string({ maxLength: 3 })), { maxLength: 7 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(address, { maxLength: 3 }), (addresses) => {
        try {
          const found = natsAddress({}, { NATS_URL: addresses.join(",") });
          expect(found.servers.length).toBeGreaterThan(0);
          for (const server of found.servers) expect(server).toMatch(/^\S+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError);
          expect(String(error)).not.toContain("s3cret");
        }
      }),
      { numRuns: 3_000, examples: [[["nats://100%@host"]], [["nats://"]]] },
    );
  });
});

describe("any command line", () => {
  const word = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        ...["run", "key", "list", "show", "clear", "doctor", "draw", "completion", "dedup-key", "delivery", "bash"],
        ...["--json", "--svg", "--file", "--to", "--stream", "--consumer", "--timeout", "--concurrency", "--attempts"],
        ...["--dead-letter", "--subscription", "--workspace", "--window", "--lease", "--bucket", "--creds", "--state"],
        ...["--sort", "--limit", "--event", "--owner", "--older-than", "--newer-than", "--all", "--dry-run", "--yes"],
        ...["--", "-", "--help", "--version", "--monitor", "--payload", "/dev/null", "/", "no-such-file"],
        ...[
          "http://127.0.0.1:1/hook",
          "http://",
          "ftp://x",
          "sub-1",
          "evt-1",
          "0",
          "1",
          "-1",
          "1.5",
          "1e9",
          "7d",
          "90s",
        ],
      ),
    },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  );
  const env = { PATH: process.env["PATH"] };

  it("is done or refused in words: nothing is unexpected, and nothing is left behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 8 }), text, async (argv, owner) => {
        const { exitCode, out, err } = await run(argv, { env: { ...env, LATCHKEY_OWNER: owner }, clock: hastyClock });
        expect([0, 1, 2]).toContain(exitCode);
        expect(err).not.toContain("Unexpected");
        expect(exitCode === 0 ? out : err).not.toBe("");
      }),
      { numRuns: 500 },
    );
  });
});
