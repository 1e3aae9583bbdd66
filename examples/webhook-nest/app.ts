import type { IncomingMessage, ServerResponse } from "node:http";
import {
  Body,
  Controller,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  Post,
  Req,
  Res,
} from "@nestjs/common";
import { Deduplicator } from "latchkey";
import { type NodeHandler, type Receive, toNodeHandler } from "latchkey/http";

const RECEIVE = Symbol("receive");

@Controller()
class WebhookController {
  readonly #receive: NodeHandler;

  constructor(@Inject(RECEIVE) receive: NodeHandler) {
    this.#receive = receive;
  }

  @Post("webhooks/github")
  receive(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.#receive(request, response);
  }

  @Post("echo")
  echo(@Body() body: unknown): unknown {
    return body;
  }
}

/**
 * Mounts the receiver at `/webhooks/github`. Create the application with `rawBody: true`, because signatures cover the raw body, and
 * call `enableShutdownHooks()`, so that running dispatches end before the process does.
 */
@Module({})
export class WebhookModule implements OnApplicationShutdown {
  readonly #dedup: Deduplicator;

  constructor(@Inject(Deduplicator) dedup: Deduplicator) {
    this.#dedup = dedup;
  }

  static register(dedup: Deduplicator, receive: Receive): DynamicModule {
    return {
      module: WebhookModule,
      controllers: [WebhookController],
      providers: [
        { provide: Deduplicator, useValue: dedup },
        { provide: RECEIVE, useValue: toNodeHandler(receive) },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#dedup.close({ drainMs: 10_000 });
  }
}
