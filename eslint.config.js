import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

// biome formats and checks syntax. This configuration checks what needs types, and which packages each folder may import.
// test/architecture.test.ts checks the direction of imports between folders.

const NATS = { regex: "^@nats-io/", message: "The NATS clients belong to src/nats." };
const COMMANDER = { regex: "^commander$", message: "The command line belongs to src/cli." };
const TEST_TOOLS = { regex: "^(vitest|fast-check|tsx)$|/test/|/scripts/", message: "Only tests and scripts use this." };

/** @returns {import("eslint").Linter.RulesRecord} */
const mayNotImport = (/** @type {{ regex: string, message: string }[]} */ ...patterns) => ({
  "@typescript-eslint/no-restricted-imports": ["error", { patterns: [TEST_TOOLS, ...patterns] }],
});

const ambient = {
  process: {
    object: "process",
    property: "env",
    message: "Pass settings as arguments; src/env.ts reads the environment.",
  },
  now: { object: "Date", property: "now", message: "Pass a Clock." },
  performance: { object: "performance", property: "now", message: "Pass a Clock." },
  random: { object: "Math", property: "random", message: "Pass randomness as an argument." },
};
const TIMERS = ["setTimeout", "setInterval", "setImmediate"].map((name) => ({
  name,
  message: "Pass a Clock.",
}));

export default defineConfig(
  { ignores: ["dist/", "coverage/", ".cache/", "node_modules/", "test/runtimes/"] },
  // Jest is not installed, so nothing knows its types.
  { ignores: ["examples/test-your-handler/*.jest.*"] },
  {
    files: ["**/*.{ts,tsx,js,mjs}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A handler may throw anything, and the reason of an AbortSignal is anything: both are passed on unchanged.
      "@typescript-eslint/only-throw-error": ["error", { allowThrowingAny: true, allowThrowingUnknown: true }],
      "@typescript-eslint/prefer-promise-reject-errors": [
        "error",
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      // An implementation of an asynchronous contract is asynchronous, so that it rejects rather than throws.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" },
      ],
      // `void | Promise<void>` is what a listener may return.
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/dot-notation": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use a union of strings." },
        { selector: "ExportDefaultDeclaration", message: "Export by name." },
        {
          selector: "MemberExpression[object.name='AbortSignal'][property.name='any']",
          message: "It leaks on Node 20: use linkedSignal of src/internal/abort.ts, and unlink it.",
        },
      ],
    },
  },
  {
    files: ["machines/**"],
    rules: mayNotImport({ regex: "^(?!xstate$|\\.)", message: "Machines are pure: they import xstate only." }),
  },
  { files: ["src/**"], ignores: ["src/nats/**", "src/cli/**"], rules: mayNotImport(NATS, COMMANDER) },
  { files: ["src/nats/**"], rules: mayNotImport(COMMANDER) },
  { files: ["src/cli/**"], rules: mayNotImport() },
  {
    files: ["machines/**", "src/**"],
    ignores: ["src/cli/**"],
    rules: { "no-console": "error", "no-restricted-properties": ["error", ambient.process] },
  },
  {
    files: ["machines/**", "src/*.ts"],
    ignores: ["src/internal/clock.ts"],
    rules: {
      "no-restricted-properties": ["error", ...Object.values(ambient)],
      "no-restricted-globals": ["error", ...TIMERS],
    },
  },
  { files: ["src/env.ts"], rules: { "no-restricted-properties": "off" } },
  {
    files: ["test/**", "scripts/**", "examples/**"],
    rules: {
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/no-empty-function": "off",
      // The result of `expect.any` and similar matchers is typed as `any`.
      "@typescript-eslint/no-unsafe-assignment": "off",
      // An assertion names a method of a mock or a prototype without calling it.
      "@typescript-eslint/unbound-method": "off",
    },
  },
  // Nest declares its modules and options as classes, and documents options as object literals.
  {
    files: ["examples/{webhook,test}-nest/**", "examples/nest-microservice/**", "test/examples/**"],
    rules: {
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "@typescript-eslint/no-extraneous-class": ["error", { allowWithDecorator: true }],
    },
  },
  // The result of JSON.parse cannot be narrowed by predicates in plain JavaScript.
  {
    files: ["scripts/*.mjs"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  // The forms that the tools ask for.
  {
    files: [
      "*.config.{ts,js}",
      "examples/*/*.config.mjs",
      "docs/.vitepress/{config,theme/index}.ts",
      "test/support/{reporter,browser-runner,nats-runner,postgres-runner}.ts",
    ],
    rules: { "no-restricted-syntax": "off" },
  },
  // Its types are declared beside it, so that it is no part of the program that is checked.
  { files: ["scripts/{chromium,nats-server}.mjs"], extends: [tseslint.configs.disableTypeChecked] },
);
