/** When an operation was under way, as its caller saw it, on a clock that all callers share. */
export interface Interval {
  readonly invokedMs: number;
  /** `Infinity` when no answer came: the operation may take effect at any time after it was invoked, or never. */
  readonly returnedMs: number;
}

/** What an object does when its operations come one after another. */
export interface Model<State, Operation extends Interval> {
  readonly initial: State;
  /** What `operation` can leave behind when it takes effect in `state` and is answered as it was; empty if it cannot. */
  after(state: State, operation: Operation): readonly State[];
  /** The same for the same state. */
  nameOf(state: State): string;
}

/** Whether there is an order; where there is none, the longest that was found, and what could have come next in it. */
export type Linearization<Operation> =
  | { readonly found: true; readonly order: readonly Operation[] }
  | { readonly found: false; readonly order: readonly Operation[]; readonly stuck: readonly Operation[] };

/** An operation in the list of those that have no place yet. */
interface Node<Operation> {
  readonly operation: Operation;
  readonly bit: bigint;
  previous: Node<Operation> | undefined;
  next: Node<Operation> | undefined;
}

/** A place in the order: who stands there, and what else could. */
interface Place<State, Operation> {
  readonly taken: bigint;
  readonly options: ReadonlyArray<{ readonly node: Node<Operation>; readonly leaves: State }>;
  tried: number;
  stands: Node<Operation> | undefined;
}

/**
 * Looks for an order of all operations that were answered, and any of the others, in which each takes effect at one moment
 * between its beginning and its end and is answered as the model says (Wing and Gong's search, with the memory that Lowe added).
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
    places.flatMap(({ stands }) => (stands === undefined ? [] : [stands.operation]));
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
    places.push({ taken, options, tried: 0, stands: undefined });
  };

  enter(model.initial, 0n);
  for (let place = places.at(-1); place !== undefined; place = places.at(-1)) {
    if (answered.isEmpty) return { found: true, order: placed() };
    if (place.stands !== undefined) listOf(place.stands).putBack(place.stands);
    place.stands = undefined;
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
    place.stands = option.node;
    listOf(option.node).take(option.node);
    enter(option.leaves, taken);
  }
  return { found: false, order: longest, stuck };
}

/** The operations that have no place yet, by when they were invoked: a list that is left and joined in constant time. */
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

  /** Those that were invoked before any of them had returned, and when the first of them does. */
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

  /** Undoes the last `take` that is not undone. */
  putBack(node: Node<Operation>): void {
    if (node.previous === undefined) this.#head = node;
    else node.previous.next = node;
    if (node.next !== undefined) node.next.previous = node;
  }
}
