import { type CustomTransportStrategy, Server } from "@nestjs/microservices";
import { lastValueFrom } from "rxjs";

/** A transport of a Nest microservice whose messages come from a test. */
export class SimulatedTransport extends Server implements CustomTransportStrategy {
  listen(callback: () => void): void {
    callback();
  }

  close(): void {}

  on(): never {
    throw new Error("The simulated transport has no events");
  }

  unwrap(): never {
    throw new Error("The simulated transport has no driver");
  }

  /** Passes a message to the handler of its pattern, and resolves with the handler's result. */
  async deliver(pattern: string, data: unknown): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`No handler for ${pattern}`);
    return lastValueFrom(this.transformToObservable(await handler(data)));
  }
}
