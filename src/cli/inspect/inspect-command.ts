import { randomBytes } from "node:crypto";
import { setting } from "../../env.ts";
import { type EventLink, type InspectorOptions, serveInspector } from "../../inspect/index.ts";
import { isLoopback } from "../../inspect/server/hosts.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import { cannotListen } from "../page/cannot-listen.ts";
import { LOOPBACK } from "../page/loopback.ts";
import { showPage } from "../page/show-page.ts";
import { asCommandErrorAsync, CommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import { inspectFile } from "./inspect-file.ts";
import { openInspected } from "./open-inspected.ts";

export interface InspectFlags extends BucketFlags, PostgresKeysFlags {
  /** Recorded run to open instead of a store. */
  readonly file?: string;
  readonly port?: number;
  readonly host?: string;
  readonly readOnly?: boolean;
  readonly deadLetter?: string;
  readonly allowedHost?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly basePath?: string;
  readonly link?: readonly string[];
}

/** Serves the inspector of a bucket, or a recorded run, until it is interrupted. */
export async function inspectCommand(flags: InspectFlags, io: CliIo): Promise<ExitCode> {
  const { host = LOOPBACK, port = 0, readOnly = false } = flags;
  if (flags.file !== undefined) return inspectFile(flags.file, port, io);
  const token =
    setting(io.env, "LATCHKEY_INSPECTOR_TOKEN") ?? (isLoopback(host) ? undefined : randomBytes(24).toString("hex"));
  using interruption = new Interruption(io);
  await using opened = await openInspected(flags, io);
  const { store, name, openDeadLetters } = opened;
  const subject = flags.deadLetter ?? setting(io.env, "LATCHKEY_DEAD_LETTER");
  const options: InspectorOptions = {
    store,
    host,
    port,
    readOnly,
    clock: io.clock,
    name,
    links: (flags.link ?? []).map(linkOf),
    ...(flags.allowedHost === undefined ? {} : { allowedHosts: flags.allowedHost }),
    ...(flags.allowedOrigin === undefined ? {} : { allowedOrigins: flags.allowedOrigin }),
    ...(flags.basePath === undefined ? {} : { basePath: flags.basePath }),
    ...(subject === undefined || openDeadLetters === undefined
      ? {}
      : { deadLetters: await asCommandErrorAsync(() => openDeadLetters(subject)) }),
  };
  await using inspector = await asCommandErrorAsync(() =>
    serveInspector(token === undefined ? options : { ...options, token }),
  ).catch(cannotListen(host, port));
  await showPage(inspector.url, `watch all replicas of ${name}`, interruption, io);
  return exitCodes.ok;
}

/** Parses `Logs=https://…`. @throws {CommandError} */
function linkOf(text: string): EventLink {
  const [, name = "", template = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === "") throw new CommandError(`--link needs the form Name=https://…, got \`${printable(text)}\``);
  return { name, template };
}
