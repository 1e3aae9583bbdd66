import { isObject, type ObjectLike } from "../../../internal/is-object.ts";
import { jsonKind } from "../../../internal/json-kind.ts";
import { memberText } from "../../../internal/json-text.ts";
import { decodeBase64 } from "./base64.ts";
import type { EventProblem } from "./event-problem.ts";

/** An HTTP request that was recorded as JSON. */
export interface RecordedRequest {
  /** Returns the different values of a header, by its lower-case name. Values need not be strings. */
  header(name: string): readonly unknown[];
  /** Lower-case names of the headers. */
  readonly names: readonly string[];
  /** Payload, unchanged. A problem if there is none. */
  readonly body: string | Uint8Array | EventProblem;
  /** Returns the JSON value of the payload, or `undefined` if it is not JSON. */
  json(): unknown;
  /** Filter of `jq` that prints the JSON value of the payload. */
  readonly jsonFilter: string;
}

const HEADERS = /^(headers|multivalueheaders)$/i;
/** Names of the payload in lower case, the preferred ones first. */
const BODIES = ["body", "payload", "rawbody"] as const;

/**
 * Reads a recorded request in one of these forms:
 * - `headers` and `body` (or `payload`, `rawBody`) in any case, with values as strings, lists, or a list of names and values or of pairs;
 * - function gateways (`multiValueHeaders`, `isBase64Encoded`);
 * - GitHub's delivery API (`request.headers`, `request.payload`);
 * - smee.io (headers beside `body`).
 *
 * Returns `undefined` for other objects.
 */
export function readRecordedRequest(line: ObjectLike, text: string): RecordedRequest | undefined {
  const { request } = line;
  if (isObject(request) && isObject(request["headers"])) {
    return recorded(headerEntries(request), request, memberText(text, "request") ?? "{}", ".request");
  }
  const named = headerEntries(line);
  if (named.length > 0) return recorded(named, line, text);
  const beside = Object.entries(line).filter(
    ([name, value]) => /^(x-|webhook-|stripe-|ce-)/i.test(name) && isValue(value),
  );
  if (beside.length === 0 || bodyName(line) === undefined) return undefined;
  return recorded([...beside, ["content-type", line["content-type"]]], line, text);
}

type HeaderEntry = readonly [name: string, value: unknown];

function headerEntries(line: ObjectLike): readonly HeaderEntry[] {
  return Object.entries(line).flatMap(([member, headers]) => {
    if (!HEADERS.test(member) || !isObject(headers)) return [];
    if (!Array.isArray(headers)) return Object.entries(headers);
    return headers.filter(isObject).flatMap((header): HeaderEntry[] => {
      const [name, value] = Array.isArray(header) ? header : [header["name"], header["value"]];
      return typeof name === "string" ? [[name, value]] : [];
    });
  });
}

function isValue(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || Array.isArray(value);
}

function recorded(entries: readonly HeaderEntry[], line: ObjectLike, text: string, within = ""): RecordedRequest {
  const headers = new Map<string, Set<unknown>>();
  for (const [name, value] of entries) {
    const values = headers.get(name.toLowerCase()) ?? new Set();
    for (const one of Array.isArray(value) ? value : [value]) {
      // HTTP ignores white space around a value.
      if (one !== undefined) values.add(typeof one === "string" ? one.replaceAll(/^[ \t]+|[ \t]+$/g, "") : one);
    }
    headers.set(name.toLowerCase(), values);
  }
  const body = bodyOf(line, text);
  return {
    header: (name) => [...(headers.get(name) ?? [])],
    names: [...headers.keys()],
    body,
    json: () => (typeof body === "string" || body instanceof Uint8Array ? parsed(body) : undefined),
    jsonFilter: `${within}.${bodyName(line)}${decodingFilter(line)}`,
  };
}

function decodingFilter(line: ObjectLike): string {
  if (typeof line[bodyName(line) ?? ""] !== "string") return "";
  return line["isBase64Encoded"] === true ? " | @base64d | fromjson" : " | fromjson";
}

function bodyName(line: ObjectLike): string | undefined {
  const names = Object.keys(line);
  return BODIES.flatMap((wanted) => names.filter((name) => name.toLowerCase() === wanted))[0];
}

function bodyOf(line: ObjectLike, text: string): RecordedRequest["body"] {
  const name = bodyName(line);
  const body = name === undefined ? undefined : line[name];
  if (name === undefined || (typeof body !== "string" && !isObject(body))) {
    return { problem: "no-payload", of: "recorded request", found: jsonKind(body) };
  }
  if (typeof body !== "string") return memberText(text, name) ?? "";
  if (line["isBase64Encoded"] !== true) return body;
  return decodeBase64(body) ?? { problem: "not-base64", member: name };
}

function parsed(body: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
