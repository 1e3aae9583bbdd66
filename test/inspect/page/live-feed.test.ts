import { describe, expect, it } from "vitest";
import { followFeed, type Link, problemIn } from "../../../src/inspect/page/state/live-feed.ts";
import type { Message } from "../../../src/inspect/server/wire.ts";

const update = (gone: string): Message => ({ type: "update", flights: [], gone: [gone], more: false });
const told = (id: string, message: Message): string => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;

/** Answers with the texts, one piece each, and then ends. */
const streamed = (...pieces: readonly string[]): Response =>
  new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    }),
  );

/** Follows servers, one after the other, until there is none left. */
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
  it("is read however it is cut into pieces, comments left out", async () => {
    const text = `: still here\n\n${told("e-1", update("ä"))}: still here\n\n${told("e-2", update("b"))}`;
    const { gone } = await followed(() => streamed(...text.split(/(?<=[ad:])/)), refusing);
    expect(gone).toEqual(["ä", "b"]);
  });

  it("goes on from the last message when the connection breaks", async () => {
    const { asked, links } = await followed(
      () => streamed(told("e-1", update("a"))),
      () => streamed(told("e-2", update("b"))),
      refusing,
    );
    expect(asked).toEqual([undefined, "e-1", "e-2"]);
    expect(links).toEqual(["connecting", "live", "lost", "live", "lost"]);
  });

  it("begins anew where it had no position to go on from", async () => {
    const { asked } = await followed(
      () => streamed(told("e-1", update("a")), `data: ${JSON.stringify(update("b"))}\n\n`),
      refusing,
    );
    expect(asked).toEqual([undefined, undefined]);
  });

  it("is asked for again after longer and longer pauses, short again once something was told", async () => {
    const { pauses } = await followed(
      ...Array.from({ length: 7 }, () => refusing),
      () => streamed(told("e-1", update("a"))),
      refusing,
      refusing,
    );
    expect(pauses.slice(0, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(pauses[7]).toBe(250);
  });

  it("of something else that answers in its place is no message", async () => {
    const { gone, links } = await followed(
      () => streamed('data: {"hello":1}\n\n'),
      () => streamed("data: no JSON\n\n"),
      () => new Response(null),
      refusing,
    );
    expect(gone).toEqual([]);
    expect(links.filter((state) => state === "lost")).toHaveLength(3);
  });

  it("that is refused is not asked for again", async () => {
    const refused = (): Response =>
      Response.json({ problem: "token-needed", message: "The token is needed" }, { status: 401 });
    const { asked, links } = await followed(refused, refusing, refusing);
    expect(asked).toHaveLength(1);
    expect(links).toEqual(["connecting", "refused"]);
  });

  it("that falls silent is taken for lost", async () => {
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

it("a problem is told in the server's words, or by its status", async () => {
  expect(await problemIn(Response.json({ message: "No" }, { status: 400 }))).toBe("No");
  expect(await problemIn(Response.json("No", { status: 400 }))).toBe("The server answered 400");
  expect(await problemIn(new Response("<html>", { status: 502 }))).toBe("The server answered 502");
});
