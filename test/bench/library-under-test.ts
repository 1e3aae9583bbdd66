import { type ResolveHook, register } from "node:module";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

// Loaded with `--import` by `npm run bench:compare`. Resolves `latchkey` and its entries from another checkout. Node.js runs the
// hook in a thread of its own.

const checkout = process.env["LATCHKEY_BENCH_CHECKOUT"];
if (checkout === undefined) throw new Error("Expected `LATCHKEY_BENCH_CHECKOUT` to be the folder of a checkout");
const parentURL = pathToFileURL(`${checkout}/package.json`).href;

if (isMainThread) register(import.meta.url);

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  specifier === "latchkey" || specifier.startsWith("latchkey/")
    ? nextResolve(specifier, { ...context, parentURL })
    : nextResolve(specifier, context);
