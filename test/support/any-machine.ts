import fc from "fast-check";
import { type AnyStateMachine, assign, setup } from "xstate";

interface AnyEvent {
  readonly type: "a" | "b" | "c";
  readonly by: number;
}

const anEvent: AnyEvent = { type: "a", by: 0 };

/** Returns the number in an event, or 1 for the start event, which has none. */
const byOf = (event: object): number => ("by" in event && typeof event.by === "number" ? event.by : 1);

const anySetup = setup({
  types: { context: { count: 0 }, events: anEvent, input: 0 },
  guards: {
    isEven: ({ context }) => context.count % 2 === 0,
    isBig: ({ event }) => event.by > 2,
  },
  actions: {
    add: assign(({ context, event }) => ({ count: (context.count * 3 + byOf(event)) % 17 })),
    double: assign(({ context }) => ({ count: (context.count * 2) % 17 })),
    notify: () => {},
    show: (_, _params: { readonly where: number }) => {},
  },
});

interface State {
  readonly id: string;
  readonly initial?: string;
  readonly type?: "final";
  readonly entry: readonly Action[];
  readonly on: Partial<Record<AnyEvent["type"], readonly Transition[]>>;
  readonly states?: Record<string, State>;
}

type Action = "add" | "double" | "notify" | { readonly type: "show"; readonly params: { readonly where: number } };

interface Transition {
  readonly target?: string;
  readonly reenter: boolean;
  readonly guard?: "isEven" | "isBig";
  readonly actions: readonly Action[];
}

const anyActions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    fc.constantFrom("add", "double", "notify"),
    fc.nat(9).map((where) => ({ type: "show", params: { where } }) as const),
  ),
  { maxLength: 2 },
);

const anyTransitions = fc.array(
  fc.record({
    target: fc.option(fc.nat(), { nil: undefined }),
    reenter: fc.boolean(),
    guard: fc.option(fc.constantFrom("isEven", "isBig"), { nil: undefined }),
    actions: anyActions,
  }),
  { maxLength: 3 },
);

const anyState = fc.record({
  parent: fc.nat(),
  initial: fc.nat(),
  final: fc.boolean(),
  entry: anyActions,
  on: fc.record({ a: anyTransitions, b: anyTransitions, c: anyTransitions }),
});

/** Machines with a tree of up to eight states. The first is the root; transitions lead from any state to any other. */
export const anyMachine: fc.Arbitrary<AnyStateMachine> = fc
  .array(anyState, { minLength: 2, maxLength: 8 })
  .map((states) => {
    const childrenOf = (parent: number) =>
      states.flatMap((state, index) => (index > 0 && state.parent % index === parent ? [index] : []));
    const linked = (transitions: (typeof states)[number]["on"]["a"]): Transition[] =>
      transitions.map(({ target, guard, ...rest }) => ({
        ...rest,
        ...(target === undefined ? {} : { target: `#s${target % states.length}` }),
        ...(guard === undefined ? {} : { guard }),
      }));
    const tree = (index: number): State[] =>
      states.slice(index, index + 1).map(({ parent, initial, final, entry, on: { a, b, c } }) => {
        const id = `s${index}`;
        const children = childrenOf(index);
        const first = children[initial % children.length];
        const on = { a: linked(a), b: linked(b), c: linked(c) };
        if (first !== undefined) {
          const inside = children.flatMap(tree).map((state) => [state.id, state] as const);
          return { id, entry, on, initial: `s${first}`, states: Object.fromEntries(inside) };
        }
        return final && parent % index === 0 ? { id, entry, on: {}, type: "final" } : { id, entry, on };
      });
    return anySetup.createMachine({ ...tree(0)[0], context: ({ input }) => ({ count: input }) });
  });

export const anyEvents: fc.Arbitrary<AnyEvent[]> = fc.array(
  fc.record({ type: fc.constantFrom("a", "b", "c"), by: fc.nat(5) }),
  { maxLength: 12 },
);
