import {
  type ArgumentsHost,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Inject,
  Module,
  UseFilters,
} from "@nestjs/common";
import { Ctx, EventPattern, Payload } from "@nestjs/microservices";
import { PermanentError, type Reservation } from "latchkey";
import type { DispatchContext } from "latchkey/nats";
import { type Observable, throwError } from "rxjs";

/** Charges an order. The receiver of the charge recognises a repeat by the idempotency key. */
export type Charge = (order: string, reservation: Reservation) => void | Promise<void>;

const CHARGE = Symbol("charge");

/** Passes errors on to the transport as they are. Nest's own filter would hide a `PermanentError`, and the message would be retried. */
@Catch()
export class ErrorsForTransport implements ExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

@Controller()
@UseFilters(ErrorsForTransport)
export class OrdersController {
  readonly #charge: Charge;

  constructor(@Inject(CHARGE) charge: Charge) {
    this.#charge = charge;
  }

  /** Runs once per order, however often the order is published. */
  @EventPattern<"events.order">("events.order")
  async placed(
    @Payload() { order }: { readonly order: string },
    @Ctx() { reservation }: Pick<DispatchContext, "reservation">,
  ): Promise<void> {
    if (order === "0") throw new PermanentError("There is no order 0");
    await this.#charge(order, reservation);
  }
}

@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest needs a class as a module.
export class OrdersModule {
  static register(charge: Charge): DynamicModule {
    return {
      module: OrdersModule,
      controllers: [OrdersController],
      providers: [{ provide: CHARGE, useValue: charge }],
    };
  }
}
