import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** Failure of a connection: its bytes are held until it heals, or dropped, or it is closed and new ones are refused. */
export type Severed = "hold" | "swallow" | "cut";

/** Proxies that can be severed and healed together. */
export class Proxies implements AsyncDisposable {
  readonly #all: { readonly proxy: TcpProxy; readonly name: string }[] = [];

  /** Opens a proxy to the port and returns the proxy's own port. */
  async open(port: number, name: string): Promise<number> {
    const proxy = await startProxy(port);
    this.#all.push({ proxy, name });
    return proxy.port;
  }

  /** Severs the proxies whose names match. */
  sever(how: Severed, matches: (name: string) => boolean): void {
    for (const { proxy, name } of this.#all) {
      if (!matches(name)) continue;
      if (how === "cut") {
        proxy.cut();
      } else {
        proxy.requests(how);
        proxy.answers(how);
      }
    }
  }

  /** Drops what is sent to a server over the routes `<from>-<to>`, in either direction. What it sends arrives. */
  deafen(server: number): void {
    for (const { proxy, name } of this.#all) {
      const [from, to] = name.split("-").map(Number);
      if (to === server) proxy.requests("swallow");
      if (from === server) proxy.answers("swallow");
    }
  }

  heal(): void {
    for (const { proxy } of this.#all) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(({ proxy }) => proxy.close()));
  }
}
