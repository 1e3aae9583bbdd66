import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** How a connection is lost: its bytes are kept back until it heals, or lost, or it ends and no new one is accepted. */
export type Severed = "hold" | "swallow" | "cut";

/** Proxies that can be parted and healed together. */
export class Proxies implements AsyncDisposable {
  readonly #all: { readonly proxy: TcpProxy; readonly name: string }[] = [];

  /** Opens a way to the port. @returns the proxy's own port. */
  async open(port: number, name: string): Promise<number> {
    const proxy = await startProxy(port);
    this.#all.push({ proxy, name });
    return proxy.port;
  }

  /** Severs the ways whose names match. */
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

  heal(): void {
    for (const { proxy } of this.#all) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(({ proxy }) => proxy.close()));
  }
}
