#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { processIo } from "./terminal/process-io.ts";

const io = processIo(process);
const exitCode = await runCli(process.argv.slice(2), io);
await io.flush();
// The NATS client keeps the socket of a connection attempt that timed out, which would keep this process.
process.exit(exitCode);
