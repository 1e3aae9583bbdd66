/** The context of a CloudEvent 1.0. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Every attribute, required and extension, as text. Members that cannot be an attribute are left out. */
  readonly attributes: Readonly<Record<string, string>>;
}

const REQUIRED = ["specversion", "id", "source", "type"] as const;

/** A required attribute of a CloudEvent. */
export type RequiredAttribute = (typeof REQUIRED)[number];

/** Whether a JSON object means to be a CloudEvent. */
export function claimsCloudEvent(members: Readonly<Record<string, unknown>>): boolean {
  return "specversion" in members;
}

/**
 * Reads the context of a CloudEvent from its members (the JSON of a structured event), or from its headers without their `ce-`.
 * Answers `missing` when a required attribute is absent, empty, or not a well-formed text.
 */
export function readCloudEvent(
  members: Readonly<Record<string, unknown>>,
): CloudEvent | { readonly missing: RequiredAttribute } {
  const attributes = Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => {
      const text = name === "data" ? undefined : attributeText(value);
      return /^[a-z0-9]+$/.test(name) && text !== undefined ? [[name, text]] : [];
    }),
  );
  const { id = "", source = "", type = "" } = attributes;
  const missing = REQUIRED.find((name) => (attributes[name] ?? "") === "");
  return missing === undefined ? { id, source, type, attributes } : { missing };
}

/** The event id of a CloudEvent: only source and id together are unique. A JSON array, so that no two pairs share one. */
export function cloudEventId(event: { readonly source: string; readonly id: string }): string {
  return JSON.stringify([event.source, event.id]);
}

/** The event id of what is no CloudEvent but has an id of its own; never that of a CloudEvent. */
export function opaqueEventId(id: string): string {
  return id.startsWith("[") ? JSON.stringify([id]) : id;
}

function attributeText(value: unknown): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? value : undefined;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
