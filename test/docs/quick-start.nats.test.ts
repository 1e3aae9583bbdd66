import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startNats } from "../support/nats-server.ts";
import { textOf } from "./documents.ts";

/** Inside the repository, so that the programs find the packages they import. */
const FOLDER = ".cache/quick-start";

/** Returns a program of the page, `<!-- run:NAME -->`. */
function program(name: string): string {
  const block = new RegExp(`^<!-- run:${name} -->\\n\`\`\`ts\\n(?<code>[\\s\\S]*?)^\`\`\`$`, "m");
  return block.exec(textOf("docs/quick-start.md"))?.groups?.["code"] ?? expect.fail(`no program ${name}`);
}

it("follows the quick start: a message that is published twice reaches the endpoint once, with its idempotency key", async () => {
  const nats = await startNats();
  const received: { readonly key: unknown; readonly body: string }[] = [];
  const endpoint = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ key: request.headers["idempotency-key"], body });
      response.end();
    });
  });
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const address = endpoint.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const connection = await connect({ servers: nats.url });
  await mkdir(FOLDER, { recursive: true });

  const start = async (name: string, change = (code: string): string => code) => {
    const code = change(program(name))
      .replaceAll("localhost:4222", nats.url)
      .replaceAll("localhost:8080", `127.0.0.1:${port}`);
    await writeFile(`${FOLDER}/${name}.ts`, code);
    const tsx = ["--import", "tsx", `${FOLDER}/${name}.ts`];
    const env = { ...process.env, TSX_TSCONFIG_PATH: "examples/tsconfig.json" };
    return spawn(process.execPath, tsx, { stdio: ["ignore", "inherit", "inherit"], env });
  };
  const run = async (name: string, change?: (code: string) => string): Promise<void> => {
    const [code] = await once(await start(name, change), "exit");
    expect(code, name).toBe(0);
  };

  const started: ChildProcess[] = [];
  try {
    await run("set-up");
    await run("publish");
    const consumer = await start("consume");
    started.push(consumer);
    await eventually("a request", () => received.length > 0);
    // The stream stores the event a second time under another message id.
    await run("publish", (code) => code.replace('msgID: "/orders 42"', 'msgID: "again"'));
    await eventually("both messages to be acknowledged", async () => {
      const { delivered, ack_floor: acknowledged } = await (await jetstreamManager(connection)).consumers.info(
        "EVENTS",
        "billing",
      );
      return delivered.stream_seq === 2 && acknowledged.stream_seq === 2;
    });
    expect(received).toEqual([{ key: expect.stringMatching(/^trigger\.dedup\.v1:/), body: '{"order":42}' }]);
    consumer.kill("SIGTERM");
    const [code] = await once(consumer, "exit");
    expect(code).toBe(0);
  } finally {
    for (const child of started) child.kill("SIGKILL");
    await connection.close();
    endpoint.close();
    await nats.stop();
  }
});
