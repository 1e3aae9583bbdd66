import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { withPeers } from "../../src/cli/connection/nats.ts";
import { natsAddress } from "../../src/cli/connection/nats-address.ts";
import { builtCli } from "./support/built-cli.ts";
import { run } from "./support/fake-io.ts";

describe("latchkey key", () => {
  it("prints the dedup key", async () => {
    const { exitCode, out, err } = await run(["key", "sub-1", "evt-1"]);
    expect({ exitCode, out, err }).toEqual({
      exitCode: 0,
      out: "trigger.dedup.v1:711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4\n",
      err: "",
    });
  });

  it("prints the identity and the store's key for a script", async () => {
    const { exitCode, objects } = await run(["key", "sub-1", "evt-1", "--workspace", "acme", "--json"]);
    expect(exitCode).toBe(0);
    expect(objects()).toEqual([
      {
        workspaceId: "acme",
        subscriptionId: "sub-1",
        eventId: "evt-1",
        key: "trigger.dedup.v1:711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4",
        idempotencyKey: expect.stringMatching(/^trigger\.dedup\.v1:(?!7114)[0-9a-f]{64}$/),
        storeKey: expect.stringMatching(/^[\w-]{16}\.[\w-]{16}\.cRQQ8_56O68jEjAJroEUX7nxMUDudBUWJm-8FMNfHMQ$/),
      },
    ]);
  });

  it("takes ids that begin with a dash after --", async () => {
    expect((await run(["key", "--", "-a", "--b"])).out).toMatch(/^trigger\.dedup\.v1:[0-9a-f]{64}\n$/);
  });

  it.each<readonly [string, readonly string[], string]>([
    ["an empty id", ["sub-1", ""], "`eventId`"],
    ["an id with a lone surrogate", ["\ud800", "evt-1"], "`subscriptionId`"],
    ["an empty workspace", ["sub-1", "evt-1", "--workspace", ""], "`workspaceId`"],
    ["one id alone", ["sub-1"], "missing required argument 'eventId'"],
    ["three ids", ["a", "b", "c"], "too many arguments"],
  ])("refuses %s", async (_, argv, sentence) => {
    const { exitCode, out, err } = await run(["key", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(sentence);
    expect(out).toBe("");
  });
});

describe("help", () => {
  const commands = [
    "run",
    "key",
    "demo",
    "check",
    "play",
    "list",
    "show",
    "clear",
    "dead",
    "doctor",
    "reshard",
    "raise-fences",
    "inspect",
    "draw",
    "postgres",
    "completion",
  ];

  it.each(["", ...commands])("fits `latchkey %s` into 80 columns and exits with code 0", async (command) => {
    const { exitCode, out, err } = await run([command, "--help"].filter((word) => word !== ""));
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toMatch(/^Usage: latchkey/);
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("names every command", async () => {
    const { out } = await run(["--help"]);
    const named = [...out.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name);
    expect(named).toEqual(commands);
  });

  it("documents the exit codes, requests and retries of run", async () => {
    const { out } = await run(["run", "--help"]);
    for (const word of [
      "130",
      "Idempotency-Key",
      "Latchkey-Fence",
      "LATCHKEY_IDEMPOTENCY_KEY",
      "--id",
      "nohup",
      "422",
      "NATS_URL",
      "NATS_CREDS",
    ]) {
      expect(out).toContain(word);
    }
  });

  it("is printed for an empty command line, with code 2", async () => {
    const { exitCode, err } = await run([]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/^Usage: latchkey/);
  });

  it("suggests a command for an unknown one", async () => {
    expect(await run(["rum"])).toMatchObject({ exitCode: 2, err: expect.stringContaining("Did you mean run?") });
  });

  it.each([
    ["list", "--server", "--nats"],
    ["run", "--server=nats://me:secret@host", "--nats"],
    ["run", "--url", "--to"],
    ["clear", "--force", "--yes"],
    ["doctor", "--db", "--postgres"],
    ["list", "--ownr", "--owner"],
    ["list", "--older", "--older-than"],
  ])("suggests an option of `latchkey %s` for %s: %s", async (command, option, meant) => {
    const { exitCode, err } = await run([command, option]);
    const [name] = option.split("=");
    expect([exitCode, err]).toEqual([2, `error: unknown option '${name}'\n(Did you mean ${meant}?)\n(see --help)\n`]);
  });

  it.each(["--xyzzy", "--theta"])("suggests nothing for %s, which no option means", async (option) => {
    expect((await run(["list", option])).err).toBe(`error: unknown option '${option}'\n(see --help)\n`);
  });

  it("has the version of the package", async () => {
    expect((await run(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("the NATS server of a command", () => {
  it("comes from the flags, or from the environment", () => {
    const env = { NATS_URL: "nats://env:4222", NATS_CREDS: "/env.creds" };
    expect(natsAddress({}, env)).toEqual({ servers: ["env:4222"], credsPath: "/env.creds" });
    expect(natsAddress({ nats: "flag", creds: "/flag.creds" }, env)).toEqual({
      servers: ["flag"],
      credsPath: "/flag.creds",
    });
    expect(natsAddress({ nats: "a:1, nats://b:2,[::1]:3" }, { NATS_CREDS: "" })).toEqual({
      servers: ["a:1", "b:2", "[::1]:3"],
    });
  });

  it("may have a user or a token in its URL, and TLS", () => {
    expect(natsAddress({ nats: "tls://me:p%40ss@host:4222" }, {})).toEqual({
      servers: ["host:4222"],
      user: "me",
      pass: "p@ss",
      tls: {},
    });
    expect(natsAddress({ nats: "nats://t0ken@host" }, {})).toEqual({ servers: ["host"], token: "t0ken" });
  });

  it.each([
    "",
    " , ",
    "http://host",
    "nats://",
    "nats://me:secret@ho st",
    "nats://me:secret%@host",
    "nats://100%@host",
  ])("is refused for the address %j, which the error does not repeat", (nats) => {
    expect(() => natsAddress({ nats }, {})).toThrow(/^(?!.*secret).*(NATS_URL|nats:\/\/host:port)/s);
  });

  it("is named in a one-line error if it is unreachable", async () => {
    const argv = ["run", "--to", "http://127.0.0.1:9", "--bucket", "b", "--subscription", "s", "--nats"];
    const { exitCode, err } = await run([...argv, "me:secret@127.0.0.1:1"]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(
      /^latchkey: Cannot connect to NATS at 127\.0\.0\.1:1: .+\. Check the address, and that the server runs\n$/,
    );
  });

  it.each(["nowhere", "https://me:secret@host/db", "postgres://me:secret word@:x/db"])(
    "is a PostgreSQL server only with its kind of URL, and the error does not repeat %s",
    async (url) => {
      expect(await run(["list", "--postgres", url])).toMatchObject({
        exitCode: 2,
        err: "latchkey: --postgres needs the form postgres://user:password@host:port/database\n",
      });
    },
  );

  it("is refused with unreadable credentials", async () => {
    const argv = ["run", "--to", "http://127.0.0.1:9", "--stream", "S", "--consumer", "C", "--nats", "127.0.0.1:1"];
    const { exitCode, err } = await run([...argv, "--creds", "/nonexistent"]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining("Cannot read `/nonexistent`: there is no such file; check the path (ENOENT)"),
    ]);
  });
});

describe("NATS packages that are not installed", () => {
  const missing = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];

  it.each(missing)("are named with the install command (%s)", async (code) => {
    const cause = Object.assign(new Error("Cannot find it"), { code });
    await expect(withPeers(() => Promise.reject(cause))).rejects.toMatchObject({
      name: "LatchkeyError",
      code: "missing-peer",
      message: expect.stringContaining("npm install @nats-io/transport-node"),
      cause,
    });
  });

  it("are not named for another error", async () => {
    const error = new Error("something else");
    await expect(withPeers(() => Promise.reject(error))).rejects.toBe(error);
  });
});

describe("the process", () => {
  const main = builtCli();
  const start = promisify(execFile);

  it("prints, and exits with the code", async () => {
    const key = await start(process.execPath, [main, "key", "sub-1", "evt-1"]);
    expect(key.stdout).toMatch(/^trigger\.dedup\.v1:/);
    const wrong = start(process.execPath, [main, "run", "--to", "nowhere"]);
    await expect(wrong).rejects.toMatchObject({ code: 2, stdout: "" });
  });

  it("waits for running dispatches after a SIGINT", async () => {
    const line = JSON.stringify({ specversion: "1.0", id: "1", source: "/test", type: "test" });
    const argv = [main, "run", "--exec", "sh", "-c", "echo ready; sleep 0.3; echo finished"];
    const running = start(process.execPath, argv);
    running.child.stdin?.write(`${line}\n`);
    running.child.stderr?.once("data", () => running.child.kill("SIGINT"));
    await expect(running).rejects.toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/^■ interrupted: 1 line .*\n {2}dispatched {2}1\n/),
      stderr: expect.stringMatching(/^ready\nStopping: .*\nfinished\n$/),
    });
  });

  /** Starts `latchkey run` with a command that prints its process id, and resolves with it. */
  async function startCommand(script: string, prefix: readonly string[] = []) {
    const line = JSON.stringify({ specversion: "1.0", id: "1", source: "/test", type: "test" });
    const argv = [...prefix, process.execPath, main, "run", "--exec", "sh", "-c", script];
    const [file = "", ...args] = argv;
    const running = start(file, args, { env: { ...process.env, _: `/usr/bin/${file}` } });
    running.child.stdin?.end(`${line}\n`);
    const text = await new Promise<string>((resolve) =>
      running.child.stderr?.once("data", (data) => resolve(String(data))),
    );
    return { running, child: running.child, commandPid: Number(text) };
  }

  /** A zombie has ended: only its parent has not noticed. */
  const isAlive = async (pid: number): Promise<boolean> => {
    const state = await start("ps", ["-o", "stat=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
    return /^[^Z\s]/.test(state.stdout.trim());
  };

  it("waits for running dispatches after a SIGHUP, and leaves no child", async () => {
    const { running, child, commandPid } = await startCommand("echo $$; sleep 0.3; echo finished");
    child.kill("SIGHUP");
    await expect(running).rejects.toMatchObject({ code: 130, stderr: expect.stringContaining("finished\n") });
    await expect.poll(() => isAlive(commandPid)).toBe(false);
  });

  it("continues after a SIGHUP under nohup", async () => {
    const { running, child } = await startCommand("echo $$; sleep 0.3; echo finished", ["nohup"]);
    child.kill("SIGHUP");
    await expect(running).resolves.toMatchObject({ stdout: expect.stringMatching(/^✓ 1 line /) });
  });

  it("drains if npm forwards Ctrl-C twice, and kills its children at the third signal", async () => {
    const { running, child, commandPid } = await startCommand(
      "trap '' TERM INT; echo $$; while :; do sleep 0.05; done",
    );
    const ended = running.catch((error: unknown) => error);
    const draining = new Promise<void>((resolve) => child.stderr?.once("data", () => resolve()));
    child.kill("SIGINT");
    child.kill("SIGINT");
    await draining;
    expect(await isAlive(commandPid)).toBe(true);
    // The second counted signal aborts, the third one exits at once. Both need half a second after the one before.
    const again = setInterval(() => child.kill("SIGINT"), 100);
    expect(await ended).toMatchObject({ code: 130 });
    clearInterval(again);
    await expect.poll(() => isAlive(commandPid)).toBe(false);
  });

  it("ends once its output has no reader", async () => {
    const lines = Array.from({ length: 20_000 }, (_, id) =>
      JSON.stringify({ specversion: "1.0", id: String(id), source: "/test", type: "test" }),
    );
    const script = `"${process.execPath}" "${main}" run --json --concurrency 1 --to http://127.0.0.1:9 --attempts 1`;
    const running = start("sh", ["-c", `${script} | head -n 2; echo ended`], { timeout: 60_000 });
    running.child.stdin?.on("error", () => {}).end(lines.join("\n"));
    const { stdout } = await running;
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(stdout).toMatch(/ended\n$/);
  });
});
