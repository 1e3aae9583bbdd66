import type {
  ActionFunction,
  AnyEventObject,
  EventObject,
  GuardPredicate,
  MachineConfig,
  MachineContext,
  MetaObject,
  NonReducibleUnknown,
  ParameterizedObject,
  StateNodeConfig,
} from "xstate";

type Params = Record<string, ParameterizedObject["params"] | undefined>;

type Named<Parts extends Params> = {
  [Name in keyof Parts & string]: { type: Name; params: Parts[Name] };
}[keyof Parts & string];

/** The types of a machine's context, events and input. Nothing reads their values. */
export interface ChartTypes<Context, Event, Input> {
  readonly context?: Context;
  readonly events?: Event;
  readonly input?: Input;
}

/**
 * Describes a machine as XState's `setup` does, with the same types, but returns plain data. The core compiles it, so a program that
 * inspects no machine loads no interpreter. XState's `createMachine` takes the same configuration and implementations.
 */
export function chartSetup<
  Context extends MachineContext,
  Event extends AnyEventObject,
  Input,
  Actions extends Params,
  Guards extends Params,
>({
  types,
  ...implementations
}: {
  readonly types: ChartTypes<Context, Event, Input>;
  readonly guards: { [Name in keyof Guards]: GuardPredicate<Context, Event, Guards[Name], Named<Guards>> };
  readonly actions: {
    [Name in keyof Actions]: ActionFunction<
      Context,
      Event,
      Event,
      Actions[Name],
      never,
      Named<Actions>,
      Named<Guards>,
      never,
      never
    >;
  };
}) {
  type StateConfig = StateNodeConfig<
    Context,
    Event,
    never,
    Named<Actions>,
    Named<Guards>,
    never,
    string,
    unknown,
    EventObject,
    MetaObject
  >;
  type ChartConfig = MachineConfig<
    Context,
    Event,
    never,
    Named<Actions>,
    Named<Guards>,
    never,
    string,
    Input,
    NonReducibleUnknown
  >;
  return {
    createStateConfig: <const Config extends StateConfig>(config: Config): Config => config,
    createChart: <const Config extends ChartConfig & { readonly id: string }>(config: Config) => ({
      id: config.id,
      types,
      config,
      implementations,
    }),
  };
}
