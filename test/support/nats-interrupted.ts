import type { NatsConnection } from "@nats-io/nats-core";

/** Fate of an interrupted process's last request: `sent` if it reached the server. */
export type LastRequest = "sent" | "not sent";

/** Calls of a connection that send something. */
const SENDING: ReadonlySet<string | symbol> = new Set(["publish", "request", "requestMany"]);

/**
 * Returns a connection that fails from its `failAt`-th request on, like the connection of a killed process: the server receives
 * nothing more.
 */
export function interrupted(
  connection: NatsConnection,
  failAt: number,
  last: LastRequest,
): { readonly connection: NatsConnection; readonly hasFailed: () => boolean } {
  let requests = 0;
  const failing = new Proxy(connection, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (!SENDING.has(name)) return member.bind(target);
      return (...args: readonly unknown[]): unknown => {
        requests += 1;
        if (requests < failAt || (requests === failAt && last === "sent" && name === "publish")) {
          return Reflect.apply(member, target, args);
        }
        if (requests > failAt || last === "not sent") throw new Error("The process was killed");
        return Promise.resolve(Reflect.apply(member, target, args)).then(() => {
          throw new Error("The process was killed");
        });
      };
    },
  });
  return { connection: failing, hasFailed: () => requests >= failAt };
}
