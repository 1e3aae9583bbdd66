import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listeningPort } from "./free-ports.ts";

/** Treatment of the bytes of one direction: `swallow` drops them, `hold` keeps them until `heal`. */
export type Flow = "pass" | "hold" | "swallow";

/** A loopback proxy between a client and a server that can break the connection. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Sets the treatment of what the client sends. */
  requests(flow: Flow): void;
  /** Sets the treatment of what the server sends. */
  answers(flow: Flow): void;
  /** Drops the server's answers once the client has sent `text`. */
  swallowAnswersTo(text: string): void;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Passes everything again. Connections that lost bytes are closed, because a real one never continues after a gap. */
  heal(): void;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let isCut = false;
  let requests: Flow = "pass";
  let answers: Flow = "pass";
  let trigger: string | undefined;
  const flows = (sent?: Buffer): { requests: Flow; answers: Flow } => {
    if (trigger !== undefined && sent?.includes(trigger)) answers = "swallow";
    return { requests, answers };
  };

  // Without `noDelay`, a small message waits for the acknowledgement of the previous one.
  const server = createServer({ noDelay: true }, (client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const link = new Link(client, connect({ port: targetPort, host: "127.0.0.1", noDelay: true }), flows);
    links.add(link);
    client.once("close", () => links.delete(link));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = listeningPort(server);
  const endAll = (): void => {
    for (const link of links) link.end();
  };
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    endAll();
    await closed;
  };

  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    requests(flow) {
      requests = flow;
    },
    answers(flow) {
      answers = flow;
    },
    swallowAnswersTo(text) {
      trigger = text;
    },
    cut() {
      isCut = true;
      endAll();
    },
    heal() {
      isCut = false;
      requests = "pass";
      answers = "pass";
      trigger = undefined;
      for (const link of links) link.heal();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #held: Array<() => void> = [];
  #hasGap = false;

  constructor(client: Socket, server: Socket, flows: (sent?: Buffer) => { requests: Flow; answers: Flow }) {
    this.#client = client;
    this.#server = server;
    client.on("data", (bytes) => this.#pass(flows(bytes).requests, () => server.write(bytes)));
    server.on("data", (bytes) => this.#pass(flows().answers, () => client.write(bytes)));
    for (const socket of [client, server]) {
      socket.on("error", () => this.end());
      socket.on("close", () => this.end());
    }
  }

  heal(): void {
    if (this.#hasGap) this.end();
    else for (const pass of this.#held.splice(0)) pass();
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(flow: Flow, pass: () => void): void {
    if (flow === "swallow") this.#hasGap = true;
    else if (flow === "hold" || this.#held.length > 0) this.#held.push(pass);
    else pass();
  }
}
