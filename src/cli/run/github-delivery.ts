import { isJsonObject, type JsonObject } from "./json-object.ts";

/**
 * The headers of a recorded GitHub webhook delivery that tell the endpoint what it is, in lower case: GitHub's own, its signatures,
 * and the content type. The others belong to the connection that the delivery came over. What no header can hold is left out.
 * Undefined when the object does not mean to be one.
 */
export function gitHubHeaders({ headers }: JsonObject): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(headers)) return undefined;
  const all = Object.entries(headers);
  if (!all.some(([name]) => name.toLowerCase().startsWith("x-github-"))) return undefined;
  const sentAlong: Record<string, string> = {};
  for (const [name, value] of all) {
    const isWanted = /^(x-github-[a-z0-9-]+|x-hub-signature(-256)?|content-type)$/i.test(name);
    if (isWanted && typeof value === "string" && /^[\t\x20-\x7e]*$/.test(value)) sentAlong[name.toLowerCase()] = value;
  }
  return sentAlong;
}

/** The delivery's CloudEvents attributes, as the adapter for GitHub in the CloudEvents project names them. */
export function gitHubAttributes(
  id: string,
  headers: Readonly<Record<string, string>>,
  payload: JsonObject | string,
): Readonly<Record<string, string>> {
  const { action, repository, organization } = typeof payload === "string" ? parsed(payload) : payload;
  const name = headers["x-github-event"] ?? "unknown";
  return {
    specversion: "1.0",
    id,
    source: (urlOf(repository) ?? urlOf(organization) ?? "https://api.github.com").toWellFormed(),
    type: `com.github.${name}${typeof action === "string" ? `.${action}` : ""}`.toWellFormed(),
  };
}

function urlOf(owner: unknown): string | undefined {
  return isJsonObject(owner) && typeof owner["url"] === "string" && owner["url"] !== "" ? owner["url"] : undefined;
}

/** A payload that was kept as text may be a form, not JSON: then only the headers say what it is. */
function parsed(payload: string): JsonObject {
  try {
    const value: unknown = JSON.parse(payload);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
