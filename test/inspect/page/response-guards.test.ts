import { describe, expect, it } from "vitest";
import {
  areMatchingKeys,
  areRows,
  isDetail,
  isKeyPage,
  isLetterChange,
  isLetterList,
  isMessage,
  isRemovalCounts,
  isSearchResult,
} from "../../../src/inspect/page/state/response-guards.ts";
import { identity } from "./samples.ts";

const rows = [{ identity, state: "committed" }];
type Case = readonly [
  name: string,
  isResponse: (value: unknown) => boolean,
  response: Readonly<Record<string, unknown>> | typeof rows,
];
const responses: readonly Case[] = [
  ["isMessage", isMessage, { type: "update" }],
  ["isDetail", isDetail, { identity, trace: [] }],
  ["areRows", areRows, rows],
  ["areMatchingKeys", areMatchingKeys, rows],
  ["isKeyPage", isKeyPage, { rows, matching: 1 }],
  ["isLetterList", isLetterList, { letters: [] }],
  ["isLetterChange", isLetterChange, { result: "gone" }],
  ["isSearchResult", isSearchResult, { events: rows, incomplete: "" }],
  ["isRemovalCounts", isRemovalCounts, { removed: 1, changed: 0 }],
];

describe.each(responses)("%s", (_, isResponse, response) => {
  it("accepts the inspector's response", () => {
    expect(isResponse(response)).toBe(true);
  });

  it("refuses the response of another server", () => {
    const incomplete = Object.keys(response).map((missing) =>
      Object.fromEntries(Object.entries(response).filter(([name]) => name !== missing)),
    );
    const others = [null, "<html>", 7, [{}], ["identity"], ...incomplete];
    for (const other of others) expect([other, isResponse(other)]).toEqual([other, false]);
  });
});
