import { isObject, type ObjectLike } from "../../../internal/is-object.ts";

/**
 * Returns the headers of a recorded GitHub delivery to forward, in lower case: GitHub's own, its signatures, and the content type.
 * Omits headers of the original connection, and invalid values. Returns undefined if the object is not a GitHub delivery.
 */
export function gitHubHeaders({ headers }: ObjectLike): Readonly<Record<string, string>> | undefined {
  if (!isObject(headers)) return undefined;
  const all = Object.entries(headers);
  if (!all.some(([name]) => name.toLowerCase().startsWith("x-github-"))) return undefined;
  const sentAlong: Record<string, string> = {};
  for (const [name, value] of all) {
    const isWanted = /^(x-github-[a-z0-9-]+|x-hub-signature(-256)?|content-type)$/i.test(name);
    if (isWanted && typeof value === "string" && /^[\t\x20-\x7e]*$/.test(value)) sentAlong[name.toLowerCase()] = value;
  }
  return sentAlong;
}

/** Returns CloudEvents attributes of a delivery, named as in the GitHub adapter of the CloudEvents project. */
export function gitHubAttributes(
  id: string,
  headers: Readonly<Record<string, string>>,
  payload: ObjectLike | string,
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
  return isObject(owner) && typeof owner["url"] === "string" && owner["url"] !== "" ? owner["url"] : undefined;
}

/** Parses a payload stored as text. It may be a form, which has no attributes. */
function parsed(payload: string): ObjectLike {
  try {
    const value: unknown = JSON.parse(payload);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
