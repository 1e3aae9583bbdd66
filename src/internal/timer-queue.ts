import type { Clock } from "./clock.ts";

/** A callback that runs at a time of the monotonic clock unless it is cancelled. */
export interface Timer {
  cancel(): void;
}

/** Any number of timers on one timer of the clock, which exists only while the queue is not empty: an idle process can exit. */
export class TimerQueue {
  readonly #clock: Clock;
  /** Binary heap: no node is due before its parent, at (index - 1) / 2. Nodes know their index, so that they can be removed. */
  readonly #heap: HeapNode[] = [];
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` when the clock reaches `atMs`, from the timer or from {@link runDue}. */
  add(atMs: number, run: () => void): Timer {
    return this.addFor(run, atMs, call);
  }

  /** Calls `run` with `target`, which saves a closure for each timer. */
  addFor<Target>(target: Target, atMs: number, run: (target: Target) => void): Timer {
    const node = new Node(this, target, atMs, run);
    this.#place(node, this.#heap.length);
    this.#rise(node);
    this.#arm();
    return node;
  }

  /** Runs the due callbacks in order. The clock's timer may be late, so a caller runs this before it decides. */
  runDue(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.atMs > this.#clock.monotonicMs()) return;
      this.remove(first);
      first.run();
    }
  }

  /** Sets the clock's timer for the first node. A timer that is set too early stays: it finds nothing due and sets the next. */
  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else if (this.#timer === undefined || first.atMs < this.#timer.atMs) {
      this.#timer?.cancel();
      const cancel = this.#clock.schedule(Math.max(0, first.atMs - this.#clock.monotonicMs()), () => {
        this.#timer = undefined;
        this.runDue();
        this.#arm();
      });
      this.#timer = { atMs: first.atMs, cancel };
    }
  }

  remove(node: HeapNode): void {
    if (this.#heap[node.index] !== node) return;
    const last = this.#heap.pop();
    if (last !== undefined && last !== node) {
      this.#place(last, node.index);
      this.#rise(last);
      this.#sink(last);
    }
    if (this.#heap.length === 0) this.#arm();
  }

  #rise(node: HeapNode): void {
    for (;;) {
      const parent = node.index === 0 ? undefined : this.#heap[(node.index - 1) >> 1];
      if (parent === undefined || parent.atMs <= node.atMs) return;
      this.#swap(node, parent);
    }
  }

  #sink(node: HeapNode): void {
    for (;;) {
      const left = this.#heap[2 * node.index + 1];
      const right = this.#heap[2 * node.index + 2];
      const sooner = right !== undefined && left !== undefined && right.atMs < left.atMs ? right : left;
      if (sooner === undefined || sooner.atMs >= node.atMs) return;
      this.#swap(node, sooner);
    }
  }

  #swap(a: HeapNode, b: HeapNode): void {
    const { index } = a;
    this.#place(a, b.index);
    this.#place(b, index);
  }

  #place(node: HeapNode, index: number): void {
    this.#heap[index] = node;
    node.index = index;
  }
}

function call(run: () => void): void {
  run();
}

/** Node of the heap. */
interface HeapNode extends Timer {
  readonly atMs: number;
  index: number;
  run(): void;
}

class Node<Target> implements HeapNode {
  readonly atMs: number;
  index = 0;
  readonly #queue: TimerQueue;
  readonly #target: Target;
  readonly #run: (target: Target) => void;

  constructor(queue: TimerQueue, target: Target, atMs: number, run: (target: Target) => void) {
    this.#queue = queue;
    this.#target = target;
    this.atMs = atMs;
    this.#run = run;
  }

  run(): void {
    this.#run(this.#target);
  }

  cancel(): void {
    this.#queue.remove(this);
  }
}
