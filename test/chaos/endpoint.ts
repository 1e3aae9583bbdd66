import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { listeningPort } from "../support/free-ports.ts";
import { machineMs } from "./machine-clock.ts";

// Runs the endpoint of the effects in a process that no fault hits. It logs each request on arrival and accepts all.

const [file = ""] = process.argv.slice(2);
const log = openSync(file, "a");
const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof body === "object") writeSync(log, `${JSON.stringify({ atMs: machineMs(), ...body })}\n`);
    response.writeHead(204).end();
  });
}).listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${listeningPort(server)}/\n`);
});
process.stdin.on("end", () => process.exit()).resume();
