#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { processIo } from "./terminal/process-io.ts";

const exitCode = await runCli(process.argv.slice(2), processIo(process));
for (const output of [process.stdout, process.stderr]) await new Promise((written) => output.write("", written));
// The NATS client keeps the socket of a connection attempt that timed out, which would keep this process.
process.exit(exitCode);
