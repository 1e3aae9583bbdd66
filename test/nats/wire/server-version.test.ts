import { expect, it } from "vitest";
import {
  ackSubjectVersions,
  hasBatches,
  rateServerVersion,
  whyUnusable,
} from "../../../src/nats/wire/server-version.ts";

it.each([
  ["", "unusable", "does not report a version"],
  ["2.9.20", "unusable", "lets several writers win"],
  ["2.10.29", "unusable", "ignores the time to live"],
  ["2.11.9", "unusable", "can miss the end of a time to live"],
  ["2.11.10", "usable", undefined],
  ["2.12.0", "unusable", "can miss the end of a time to live"],
  ["2.12.5", "usable", undefined],
  ["v2.12.6-preview.1", "advised", undefined],
  ["3.0.0", "advised", undefined],
])("a server of version %j is %s", (version, verdict, reason) => {
  expect(rateServerVersion(version)).toBe(verdict);
  expect(whyUnusable(version)).toEqual(reason === undefined ? undefined : expect.stringContaining(reason));
});

it.each([
  ["", false, { used: 1, other: undefined }],
  ["2.12.0", false, { used: 1, other: undefined }],
  ["2.12.1", true, { used: 1, other: undefined }],
  ["2.14.0", true, { used: 1, other: 2 }],
  ["2.16.0", true, { used: 2, other: 1 }],
])("a server of version %j has atomic batches (%s), and acknowledgements under %j", (version, batches, acks) => {
  expect([hasBatches(version), ackSubjectVersions(version)]).toEqual([batches, acks]);
});
