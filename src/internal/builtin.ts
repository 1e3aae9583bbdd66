type GetBuiltinModule = (typeof process)["getBuiltinModule"];

const runtime: { readonly getBuiltinModule?: GetBuiltinModule } = "process" in globalThis ? process : {};

/**
 * Returns a built-in module of Node, Bun or Deno; `undefined` in browsers. An `import` of one would stop bundlers for browsers.
 * A stand-in for `process`, as some bundlers add, has no such function.
 */
export const builtin: GetBuiltinModule | undefined = runtime.getBuiltinModule;
