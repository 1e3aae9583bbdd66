import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { History } from "../../src/history/history.ts";
import { parseHistory } from "../../src/history/history-text.ts";
import { type EndpointRequest, isEndpointRequest, REQUESTS_FILE } from "./endpoint-request.ts";

/** Everything that the processes of a campaign wrote to its folder. */
export interface Logs {
  readonly history: History;
  readonly requests: readonly EndpointRequest[];
  /** Processes whose last line is incomplete because they were killed while they wrote it. */
  readonly truncated: readonly string[];
}

export async function readLogs(folder: string): Promise<Logs> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ndjson")).sort();
  const history: History[number][] = [];
  const truncated: string[] = [];
  for (const file of files) {
    const { complete, isTruncated } = completeLines(await readFile(join(folder, file), "utf8"));
    if (isTruncated) truncated.push(file.replace(".ndjson", ""));
    try {
      if (complete !== "") for (const line of parseHistory(complete)) history.push(line);
    } catch (cause) {
      throw new Error(`${file} cannot be read`, { cause });
    }
  }
  const killed = new Set(history.flatMap((line) => (line.type === "died" ? [line.process] : [])));
  const wrong = truncated.filter((process) => !killed.has(process));
  if (wrong.length > 0) {
    throw new Error(`The last line of ${wrong.join(" and ")} is incomplete, but the process was not killed`);
  }
  return { history, requests: requestsIn(await readFile(join(folder, REQUESTS_FILE), "utf8")), truncated };
}

/** A killed process can leave an incomplete last line, without a line end. */
function completeLines(text: string): { readonly complete: string; readonly isTruncated: boolean } {
  const end = text.lastIndexOf("\n") + 1;
  return { complete: text.slice(0, end), isTruncated: end < text.length };
}

function requestsIn(text: string): readonly EndpointRequest[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const request: unknown = JSON.parse(line);
      if (!isEndpointRequest(request)) throw new Error(`Expected a request in ${REQUESTS_FILE}, got ${line}`);
      return request;
    });
}
