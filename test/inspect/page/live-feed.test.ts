import { describe, expect, it } from "vitest";
import { followFeed, type Link, problemIn } from "../../../src/inspect/page/state/live-feed.ts";
import type { FeedMessage } from "../../../src/inspect/server/wire.ts";

const update = (gone: string): FeedMessage => ({ type: "update", attempts: [], gone: [gone], more: false });
const sent = (id: string, message: FeedMessage): string => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;

/** Returns a response that streams the texts as chunks and then ends. */
const streamed = (...pieces: readonly string[]): Response =>
  new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    }),
  );

/** Follows one server after the other until none is left. */
async function followed(...servers: readonly (() => Response | Promise<Response>)[]) {
  const left = [...servers];
  const over = new AbortController();
  const asked: (string | undefined)[] = [];
  const links: Link["state"][] = [];
  const gone: string[] = [];
  const pauses: number[] = [];
  await followFeed({
    async fetch(_, { headers }) {
      asked.push(new Headers(headers).get("last-event-id") ?? undefined);
      const server = left.shift();
      if (left.length === 0) over.abort();
      return server === undefined ? Promise.reject(new Error("nobody")) : server();
    },
    headers: { authorization: "Bearer it" },
    signal: over.signal,
    pause: (ms, signal) => {
      if (signal === over.signal) pauses.push(ms);
      return signal === over.signal ? Promise.resolve() : new Promise(() => {});
    },
    onMessage: (message) => gone.push(...(message.type === "update" ? message.gone : [message.type])),
    onLink: ({ state }) => links.push(state),
  });
  return { asked, links, gone, pauses };
}

const refusing = (): Promise<Response> => Promise.reject(new Error("refused"));

describe("the feed", () => {
  it("is read correctly in any chunks, without comments", async () => {
    const text = `: keep-alive\n\n${sent("e-1", update("ä"))}: keep-alive\n\n${sent("e-2", update("b"))}`;
    const { gone } = await followed(() => streamed(...text.split(/(?<=[ad:])/)), refusing);
    expect(gone).toEqual(["ä", "b"]);
  });

  it("resumes from the last message after a broken connection", async () => {
    const { asked, links } = await followed(
      () => streamed(sent("e-1", update("a"))),
      () => streamed(sent("e-2", update("b"))),
      refusing,
    );
    expect(asked).toEqual([undefined, "e-1", "e-2"]);
    expect(links).toEqual(["connecting", "live", "lost", "live", "lost"]);
  });

  it("starts from scratch if the last message had no id", async () => {
    const { asked } = await followed(
      () => streamed(sent("e-1", update("a")), `data: ${JSON.stringify(update("b"))}\n\n`),
      refusing,
    );
    expect(asked).toEqual([undefined, undefined]);
  });

  it("reconnects with exponential backoff, which a message resets", async () => {
    const { pauses } = await followed(
      ...Array.from({ length: 7 }, () => refusing),
      () => streamed(sent("e-1", update("a"))),
      refusing,
      refusing,
    );
    expect(pauses.slice(0, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(pauses[7]).toBe(250);
  });

  it("ignores responses that are not from the inspector", async () => {
    const { gone, links } = await followed(
      () => streamed('data: {"hello":1}\n\n'),
      () => streamed("data: no JSON\n\n"),
      () => new Response(null),
      refusing,
    );
    expect(gone).toEqual([]);
    expect(links.filter((state) => state === "lost")).toHaveLength(3);
  });

  it("does not reconnect after a refusal", async () => {
    const refused = (): Response =>
      Response.json({ problem: "token-needed", message: "The token is needed" }, { status: 401 });
    const { asked, links } = await followed(refused, refusing, refusing);
    expect(asked).toHaveLength(1);
    expect(links).toEqual(["connecting", "refused"]);
  });

  it("counts as lost after a long silence", async () => {
    const over = new AbortController();
    const links: Link["state"][] = [];
    await followFeed({
      async fetch(_, { signal }) {
        const body = new ReadableStream({
          start: (controller) => signal?.addEventListener("abort", () => controller.error(new Error("aborted"))),
        });
        return new Response(body);
      },
      headers: {},
      signal: over.signal,
      async pause(_, signal) {
        if (signal === over.signal) over.abort();
      },
      onMessage: () => {},
      onLink: ({ state }) => links.push(state),
    });
    expect(links).toEqual(["connecting", "live", "lost"]);
  });
});

it("an error response is reported by its message or its status", async () => {
  expect(await problemIn(Response.json({ message: "No" }, { status: 400 }))).toBe("No");
  expect(await problemIn(Response.json("No", { status: 400 }))).toBe("The server answered 400");
  expect(await problemIn(new Response("<html>", { status: 502 }))).toBe("The server answered 502");
});
