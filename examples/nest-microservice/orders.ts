import { type ArgumentsHost, Catch, Controller, type ExceptionFilter, Module } from "@nestjs/common";
import { Ctx, EventPattern, Payload } from "@nestjs/microservices";
import { PermanentError } from "latchkey";
import type { DispatchContext } from "latchkey/nats";
import { type Observable, throwError } from "rxjs";

@Controller()
export class OrdersController {
  /** Runs once per order, however often the order is published. */
  @EventPattern<"events.order">("events.order")
  placed(@Payload() { order }: { readonly order: string }, @Ctx() { reservation }: DispatchContext): void {
    if (order === "0") throw new PermanentError("There is no order 0");
    console.log(`charged order ${order} under ${reservation.idempotencyKey.slice(0, 24)}…`);
  }
}

/** Passes errors on to the transport as they are. Nest's own filter would hide a `PermanentError`, and the message would be retried. */
@Catch()
export class ErrorsForTransport implements ExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

@Module({ controllers: [OrdersController] })
export class OrdersModule {}
