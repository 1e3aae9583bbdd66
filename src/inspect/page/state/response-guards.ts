import { isObject } from "../../../internal/is-object.ts";
import type { RedriveResult } from "../../../model/dead-letter.ts";
import type {
  EventDetail,
  FeedMessage,
  KeyPage,
  KeyRow,
  LetterList,
  MatchingKey,
  SearchResult,
} from "../../server/wire.ts";
import type { RemovalCounts } from "./clear-action.ts";

// Checks that distinguish a response of the inspector from one of a proxy or another server. The inspector itself is trusted.

export function isMessage(value: unknown): value is FeedMessage {
  return isObject(value) && (value["type"] === "begin" || value["type"] === "update");
}

export function isDetail(value: unknown): value is EventDetail {
  return isObject(value) && "identity" in value && Array.isArray(value["trace"]);
}

export function areRows(value: unknown): value is readonly KeyRow[] {
  return Array.isArray(value) && value.every((one) => isObject(one) && "identity" in one && "state" in one);
}

export function isKeyPage(value: unknown): value is KeyPage {
  return isObject(value) && areRows(value["rows"]) && typeof value["matching"] === "number";
}

export function areMatchingKeys(value: unknown): value is readonly MatchingKey[] {
  return areRows(value);
}

export function isLetterList(value: unknown): value is LetterList {
  return isObject(value) && Array.isArray(value["letters"]);
}

export function isLetterChange(value: unknown): value is RedriveResult {
  return isObject(value) && typeof value["result"] === "string";
}

export function isSearchResult(value: unknown): value is SearchResult {
  return isObject(value) && areRows(value["events"]) && typeof value["incomplete"] === "string";
}

export function isRemovalCounts(value: unknown): value is RemovalCounts {
  return isObject(value) && typeof value["removed"] === "number" && typeof value["changed"] === "number";
}
