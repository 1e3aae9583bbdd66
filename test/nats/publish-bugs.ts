import type { PlantedBug } from "../support/planted-bugs.ts";

/** A bug of `publishOnce`, and the check that finds it. */
export interface PublishBug extends PlantedBug {
  readonly foundBy: string;
}

const FILE = "src/nats/publish-once.ts";

export const publishBugs: readonly PublishBug[] = [
  {
    name: "the last sequence of the stream instead of the subject",
    foundBy: "events of one stream are independent",
    patches: [{ file: FILE, find: "{ lastSubjectSequence: 0 }", replace: "{ lastSequence: 0 }" }],
  },
  {
    name: "no expected sequence",
    foundBy: "a repetition beyond the duplicate window is recognised",
    patches: [{ file: FILE, find: "{ lastSubjectSequence: 0 }", replace: "{}" }],
  },
  {
    name: "one subject for all events",
    foundBy: "events of one stream are independent",
    patches: [{ file: FILE, find: 'hash("sha256", id, "base64url")', replace: '"all"' }],
  },
  {
    name: "a key without the name of the message",
    foundBy: "named messages of one event are independent",
    patches: [{ file: FILE, find: '...(name === "" ? [] : [text("name", name)])', replace: "" }],
  },
  {
    name: "a message id that every attempt generates",
    foundBy: "a repetition within the duplicate window is recognised",
    patches: [{ file: FILE, find: 'msgID: hash("sha256", id, "hex")', replace: "msgID: String(performance.now())" }],
  },
  {
    name: "a duplicate window that nobody checks",
    foundBy: "a stream whose duplicate window is too short is refused",
    patches: [{ file: FILE, find: "if (windowMs >= withinMs) return [];", replace: "if (windowMs >= 0) return [];" }],
  },
  {
    name: "a retention that nobody checks",
    foundBy: "a stream that removes acknowledged messages is refused",
    patches: [
      {
        file: FILE,
        find: 'if (retention === "limits") return [];',
        replace: "if (retention !== undefined) return [];",
      },
    ],
  },
  {
    name: "a message that is too large counts as one without an answer",
    foundBy: "a message that is too large is refused for good",
    patches: [{ file: FILE, find: "if (isTooLarge(cause)) throw", replace: "if (code === 0) throw" }],
  },
  {
    name: "a subject transform that nobody checks",
    foundBy: "a stream that moves messages to other subjects is refused",
    patches: [{ file: FILE, find: "config.subject_transform !== undefined", replace: "false" }],
  },
];
