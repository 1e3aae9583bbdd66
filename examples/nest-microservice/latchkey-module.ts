import type { NatsConnection } from "@nats-io/nats-core";
import {
  type BeforeApplicationShutdown,
  Controller,
  type DynamicModule,
  Get,
  Inject,
  Module,
  type OnApplicationShutdown,
} from "@nestjs/common";
import { Deduplicator } from "latchkey";
import type { MountedInspector } from "latchkey/inspect";

/** What the application uses, and closes when it ends. */
export interface LatchkeyResources {
  readonly connection: NatsConnection;
  readonly dedup: Deduplicator;
  readonly inspector: MountedInspector;
}

const RESOURCES = Symbol("resources");

@Controller()
class HealthController {
  /** For both probes. It does not ask for the store: a restart would not bring the store back. */
  @Get("health")
  health(): string {
    return "ok";
  }
}

/** Provides the `Deduplicator` to every module, answers the probes, and closes the resources. */
@Module({ controllers: [HealthController] })
export class LatchkeyModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #resources: LatchkeyResources;

  constructor(@Inject(RESOURCES) resources: LatchkeyResources) {
    this.#resources = resources;
  }

  static register(resources: LatchkeyResources): DynamicModule {
    return {
      module: LatchkeyModule,
      global: true,
      providers: [
        { provide: RESOURCES, useValue: resources },
        { provide: Deduplicator, useValue: resources.dedup },
      ],
      exports: [Deduplicator],
    };
  }

  /** The inspector's streams would keep the HTTP server from closing. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#resources.inspector.close();
  }

  /** Nest has closed the HTTP server and the transport by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.#resources.dedup.close({ drainMs: 5_000 });
    await this.#resources.connection.close();
  }
}
