/** The time during which an operation was in flight, on a clock that all callers share. */
export interface Interval {
  readonly invokedMs: number;
  /** `Infinity` if there was no response. The operation may take effect at any later time, or never. */
  readonly returnedMs: number;
}

/** Behaviour of an object whose operations run one after another. */
export interface Model<State, Operation extends Interval> {
  readonly initial: State;
  /** Returns the possible states after `operation` took effect in `state` with its result; none if that is impossible. */
  after(state: State, operation: Operation): readonly State[];
  /** Returns equal names for equal states. */
  nameOf(state: State): string;
}

/** An order of all operations; or the longest start of one, with the operations that do not fit next. */
export type Linearization<Operation> =
  | { readonly found: true; readonly order: readonly Operation[] }
  | { readonly found: false; readonly order: readonly Operation[]; readonly stuck: readonly Operation[] };

/** An operation in the list of those that are not in the order yet. */
interface Node<Operation> {
  readonly operation: Operation;
  readonly bit: bigint;
  previous: Node<Operation> | undefined;
  next: Node<Operation> | undefined;
}

/** A position in the order: the operation there, and the alternatives. */
interface Place<State, Operation> {
  readonly taken: bigint;
  readonly options: ReadonlyArray<{ readonly node: Node<Operation>; readonly leaves: State }>;
  tried: number;
  chosen: Node<Operation> | undefined;
}

/**
 * Searches an order of all operations with a response, and any of the others. Each must take effect at one moment between its
 * start and its end, with the result that the model gives. This is Wing and Gong's search with Lowe's memoization.
 */
export function linearize<State, Operation extends Interval>(
  operations: readonly Operation[],
  model: Model<State, Operation>,
): Linearization<Operation> {
  const sorted = operations.toSorted((one, other) => one.invokedMs - other.invokedMs);
  const answered = new Untaken(
    sorted.filter(({ returnedMs }) => returnedMs !== Number.POSITIVE_INFINITY),
    0,
  );
  const unanswered = new Untaken(
    sorted.filter(({ returnedMs }) => returnedMs === Number.POSITIVE_INFINITY),
    answered.size,
  );
  const seen = new Set<string>();
  const places: Place<State, Operation>[] = [];
  let longest: readonly Operation[] = [];
  let stuck: readonly Operation[] = [];

  const placed = (): readonly Operation[] =>
    places.flatMap(({ chosen }) => (chosen === undefined ? [] : [chosen.operation]));
  const listOf = ({ operation }: Node<Operation>): Untaken<Operation> =>
    operation.returnedMs === Number.POSITIVE_INFINITY ? unanswered : answered;
  const enter = (state: State, taken: bigint): void => {
    const { nodes, untilMs } = answered.first();
    const candidates = [...nodes, ...unanswered.invokedBy(untilMs)];
    const options = candidates.flatMap((node) =>
      model.after(state, node.operation).map((leaves) => ({ node, leaves })),
    );
    if (options.length === 0 && places.length >= longest.length) {
      longest = placed();
      stuck = nodes.map(({ operation }) => operation);
    }
    places.push({ taken, options, tried: 0, chosen: undefined });
  };

  enter(model.initial, 0n);
  for (let place = places.at(-1); place !== undefined; place = places.at(-1)) {
    if (answered.isEmpty) return { found: true, order: placed() };
    if (place.chosen !== undefined) listOf(place.chosen).restore(place.chosen);
    place.chosen = undefined;
    const option = place.options[place.tried];
    place.tried += 1;
    if (option === undefined) {
      places.pop();
      continue;
    }
    const taken = place.taken | option.node.bit;
    const name = `${taken.toString(36)} ${model.nameOf(option.leaves)}`;
    if (seen.has(name)) continue;
    seen.add(name);
    place.chosen = option.node;
    listOf(option.node).take(option.node);
    enter(option.leaves, taken);
  }
  return { found: false, order: longest, stuck };
}

/** The operations that are not in the order yet, by their start: a linked list with constant-time removal and insertion. */
class Untaken<Operation extends Interval> {
  readonly size: number;
  #head: Node<Operation> | undefined;

  constructor(operations: readonly Operation[], firstBit: number) {
    this.size = operations.length;
    let last: Node<Operation> | undefined;
    operations.forEach((operation, index) => {
      const node = { operation, bit: 1n << BigInt(firstBit + index), previous: last, next: undefined };
      if (last === undefined) this.#head = node;
      else last.next = node;
      last = node;
    });
  }

  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  /** Returns the operations that started before any of them returned, and when the first of them returns. */
  first(): { readonly nodes: readonly Node<Operation>[]; readonly untilMs: number } {
    const nodes: Node<Operation>[] = [];
    let untilMs = Number.POSITIVE_INFINITY;
    for (let node = this.#head; node !== undefined && node.operation.invokedMs <= untilMs; node = node.next) {
      nodes.push(node);
      untilMs = Math.min(untilMs, node.operation.returnedMs);
    }
    return { nodes, untilMs };
  }

  invokedBy(ms: number): readonly Node<Operation>[] {
    const nodes: Node<Operation>[] = [];
    for (let node = this.#head; node !== undefined && node.operation.invokedMs <= ms; node = node.next)
      nodes.push(node);
    return nodes;
  }

  take(node: Node<Operation>): void {
    if (node.previous === undefined) this.#head = node.next;
    else node.previous.next = node.next;
    if (node.next !== undefined) node.next.previous = node.previous;
  }

  /** Undoes the last `take` that is not yet undone. */
  restore(node: Node<Operation>): void {
    if (node.previous === undefined) this.#head = node;
    else node.previous.next = node;
    if (node.next !== undefined) node.next.previous = node;
  }
}
