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

describe("optionsFromEnv", () => {
  it("returns usable options, or refuses a variable by its name and value", () => {
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
      { numRuns: 1_000 },
    );
  });

  it("accepts every valid value", () => {
    const seconds = fc.integer({ min: 1, max: 9_007_199_254_740 }).map(String);
    const env = fc.record(
      {
        TRIGGER_DEDUP_TTL_SECONDS: seconds,
        LATCHKEY_LEASE_SECONDS: seconds,
        LATCHKEY_SKEW_SECONDS: seconds,
        LATCHKEY_OWNER: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
        LATCHKEY_ON_STORE_UNAVAILABLE: fc.constantFrom("refuse", "dispatch"),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(env, (variables) => {
        expect(optionsFromEnv(variables)).toMatchObject({
          ...(variables.TRIGGER_DEDUP_TTL_SECONDS && { windowMs: Number(variables.TRIGGER_DEDUP_TTL_SECONDS) * 1_000 }),
          ...(variables.LATCHKEY_LEASE_SECONDS && { leaseMs: Number(variables.LATCHKEY_LEASE_SECONDS) * 1_000 }),
          ...(variables.LATCHKEY_SKEW_SECONDS && { skewMs: Number(variables.LATCHKEY_SKEW_SECONDS) * 1_000 }),
          ...(variables.LATCHKEY_OWNER && { owner: variables.LATCHKEY_OWNER }),
          ...(variables.LATCHKEY_ON_STORE_UNAVAILABLE && {
            onStoreUnavailable: variables.LATCHKEY_ON_STORE_UNAVAILABLE,
          }),
        });
      }),
    );
  });
});

describe("natsAddress", () => {
  it("returns the servers of every valid address", () => {
    const host = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(host, fc.integer({ min: 1, max: 65_535 })), { minLength: 1 }), (servers) => {
        const addresses = servers.map(([name, port]) => `nats://${name}:${port}`);
        const { servers: found } = natsAddress({}, { NATS_URL: addresses.join(",") });
        expect(found).toEqual(servers.map(([name, port]) => `${name}:${port}`));
      }),
    );
  });

  it("returns servers, or refuses the address without repeating a possible password", () => {
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
      { numRuns: 1_500, examples: [[["nats://100%@host"]], [["nats://"]]] },
    );
  });
});

describe("the command line", () => {
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

  it("executes any arguments or refuses them with a message", async () => {
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
