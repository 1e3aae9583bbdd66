import { Controller, type DynamicModule, Inject, Module, type OnApplicationShutdown } from "@nestjs/common";
import { EventPattern, Payload } from "@nestjs/microservices";
import { Deduplicator, type Outcome, type Reservation } from "latchkey";

/** Charges an order at the payment provider. */
export type Charge = (order: string, reservation: Reservation) => Promise<void>;

export const CHARGE = Symbol("charge");

@Controller()
export class OrdersController {
  readonly #dedup: Deduplicator;
  readonly #charge: Charge;

  constructor(@Inject(Deduplicator) dedup: Deduplicator, @Inject(CHARGE) charge: Charge) {
    this.#dedup = dedup;
    this.#charge = charge;
  }

  /** The outcome tells the transport whether to acknowledge the message. */
  @EventPattern("order.placed")
  placed(@Payload() { order }: { readonly order: string }): Promise<Outcome<void>> {
    return this.#dedup.guard({ subscriptionId: "charge-orders", eventId: order }, (reservation) =>
      this.#charge(order, reservation),
    );
  }
}

@Module({})
export class OrdersModule implements OnApplicationShutdown {
  readonly #dedup: Deduplicator;

  constructor(@Inject(Deduplicator) dedup: Deduplicator) {
    this.#dedup = dedup;
  }

  static register(dedup: Deduplicator, charge: Charge): DynamicModule {
    return {
      module: OrdersModule,
      controllers: [OrdersController],
      providers: [
        { provide: Deduplicator, useValue: dedup },
        { provide: CHARGE, useValue: charge },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#dedup.close({ drainMs: 10_000 });
  }
}
