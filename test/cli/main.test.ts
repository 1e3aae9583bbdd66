import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { builtCli } from "./support/built-cli.ts";

it("a command ends although the server accepts its connection and never answers", async () => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const child = spawn(process.execPath, [builtCli(), "list", "--nats", `nats://127.0.0.1:${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  try {
    const [exitCode]: unknown[] = await once(child, "exit");
    expect(exitCode).toBe(2);
    expect(printed).toContain(`Cannot connect to NATS at 127.0.0.1:${port}: timeout`);
  } finally {
    child.kill("SIGKILL");
    server.close();
  }
});
