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

  /** Passes a message to the handler of its pattern, and resolves once the handler has finished. */
  async deliver(pattern: string, data: unknown, context: unknown): Promise<void> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`No handler for ${pattern}`);
    await lastValueFrom(this.transformToObservable(await handler(data, context)), { defaultValue: undefined });
  }
}
