export { toMermaid } from "./chart/mermaid.ts";
export { type SvgOptions, toSvg } from "./chart/svg.ts";
export type { InspectorOptions } from "./server/options.ts";
export type { Redact, Redactable } from "./server/redaction.ts";
export type { Inspector } from "./server/serve.ts";
export { serveInspector } from "./server/serve.ts";
