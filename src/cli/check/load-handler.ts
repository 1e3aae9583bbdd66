import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { errorMessage } from "../../internal/error-message.ts";
import { isObject } from "../../internal/is-object.ts";
import type { HandlerSetup } from "../../testing/sim/handler.ts";
import type { Scope, WorldOptions } from "../../testing/sim/scope.ts";
import { CommandError } from "../terminal/command-error.ts";
import { printable } from "../terminal/printable.ts";

/** Options of a check that a module exports beside its handler. */
export type LoadHandlerOptions = Scope & Partial<WorldOptions<unknown>>;

/** A handler and its options, as a module exports them. */
export interface LoadedHandler {
  readonly handler: HandlerSetup<unknown>;
  readonly options: LoadHandlerOptions;
}

/**
 * Imports a module with a handler: its default export, or its only exported function. The export `options` is the scope.
 * @throws {CommandError} when the module cannot be imported or has no handler.
 */
export async function loadHandler(path: string): Promise<LoadedHandler> {
  const file = resolve(path);
  const module = await importModule(file);
  const { default: byDefault, options = {}, ...named } = module;
  const functions = Object.values(named).filter(isHandler);
  const handler = isHandler(byDefault) ? byDefault : functions.length === 1 ? functions[0] : undefined;
  if (handler === undefined) {
    throw new CommandError(
      `Expected \`${printable(path)}\` to export a handler as its default export or as its only function, ` +
        `but it exports ${functions.length} functions. Export default a function that takes a replica.`,
    );
  }
  if (!isOptions(options)) {
    throw new CommandError(`Expected the export \`options\` of \`${printable(path)}\` to be an object with a scope.`);
  }
  return { handler, options };
}

function isHandler(value: unknown): value is HandlerSetup<unknown> {
  return typeof value === "function";
}

function isOptions(value: unknown): value is LoadHandlerOptions {
  return isObject(value);
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await imported(file);
  } catch (error) {
    if (!isTypeScriptRefused(error)) throw cannotImport(file, error);
  }
  await registerTsx(file);
  return await imported(file).catch((error: unknown) => {
    throw cannotImport(file, error);
  });
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  const module: unknown = await import(pathToFileURL(file).href);
  return isObject(module) ? module : {};
}

/** True if this Node cannot strip types. */
function isTypeScriptRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION";
}

/** Lets Node import TypeScript with the tsx of the handler's project. */
async function registerTsx(file: string): Promise<void> {
  let tsx: unknown;
  try {
    tsx = await import(pathToFileURL(createRequire(file).resolve("tsx/esm/api")).href);
  } catch (error) {
    throw new CommandError(
      `Node ${process.versions.node} cannot import TypeScript, and the handler's project has no tsx. ` +
        "Install it with `npm install --save-dev tsx`, or use Node 22.18 or later.",
      { cause: error },
    );
  }
  const register = isObject(tsx) ? tsx["register"] : undefined;
  if (isRegister(register)) register();
}

function isRegister(value: unknown): value is () => void {
  return typeof value === "function";
}

function cannotImport(file: string, error: unknown): CommandError {
  return new CommandError(`Cannot import \`${printable(file)}\`: ${errorMessage(error)}`, { cause: error });
}
