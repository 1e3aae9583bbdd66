export { toMermaid } from "./mermaid.ts";
export type { InspectorOptions } from "./server/options.ts";
export type { Redact, Redactable } from "./server/redaction.ts";
export type { Inspector } from "./server/serve.ts";
export { serveInspector } from "./server/serve.ts";
export { toSvg } from "./svg.ts";
