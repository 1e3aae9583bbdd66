import type { History, SeenLine } from "../../src/history/history.ts";

const PREFIX = "revisions raised by ";

/** Returns the fault that is recorded while no worker runs: later revisions are sequence numbers of the stream plus `offset`. */
export function revisionsRaisedBy(offset: number): string {
  return `${PREFIX}${offset}`;
}

/**
 * Returns a history with sequence numbers in place of revisions. Raising the fences changes the revision of every record in the
 * bucket, which no register does. The sequence numbers of a restored bucket continue.
 */
export function inSequenceNumbers(history: History): History {
  const raises = history.flatMap((line) =>
    line.type === "fault" && line.fault.startsWith(PREFIX)
      ? [{ atMs: line.atMs, offset: Number(line.fault.slice(PREFIX.length)) }]
      : [],
  );
  if (raises.length === 0) return history;
  raises.sort((one, other) => one.atMs - other.atMs);
  return history.map((line) => {
    if (line.type === "history") return line;
    const offset = raises.findLast(({ atMs }) => atMs <= line.atMs)?.offset ?? 0;
    return offset === 0 ? line : lowered(line, offset);
  });
}

function lowered(line: SeenLine, offset: number): SeenLine {
  const less = (revision: number): number => (revision === 0 ? 0 : revision - offset);
  if (line.type === "effect.began") return { ...line, fence: less(line.fence) };
  if (line.type === "ok" || line.type === "fail") {
    return line.revision === undefined ? line : { ...line, revision: less(line.revision) };
  }
  if (line.type !== "invoke") return line;
  const { expected, fence } = line;
  return {
    ...line,
    ...(expected === undefined ? {} : { expected: less(expected) }),
    ...(fence === undefined ? {} : { fence: less(fence) }),
  };
}
