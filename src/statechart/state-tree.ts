import type { Declared, Node } from "./machine-table.ts";

type OneOrMany<Value> = Value | readonly Value[];

/** The members used of XState's configuration of a transition. */
interface TransitionConfig extends Partial<Omit<Declared, "target" | "actions">> {
  readonly target?: OneOrMany<string> | undefined;
  readonly actions?: OneOrMany<unknown>;
}

/** The members used of XState's configuration of a state. */
export interface StateConfig {
  readonly id?: string | undefined;
  readonly type?: Node["type"] | undefined;
  readonly initial?: string | { readonly target: string } | undefined;
  readonly states?: { readonly [Key in string]: StateConfig } | undefined;
  readonly entry?: OneOrMany<unknown>;
  readonly on?: { readonly [Event in string]?: OneOrMany<string | TransitionConfig | undefined> } | undefined;
}

/**
 * Returns the states of a machine from its configuration, with their targets resolved as XState resolves them. XState's own nodes
 * would need its interpreter.
 * @throws {TypeError} that names the state and its target, if there is no such state.
 */
export function stateTree(id: string, config: StateConfig): Node {
  return new ConfiguredState(config, [id]);
}

class ConfiguredState implements Node {
  readonly id: string;
  readonly path: readonly string[];
  readonly parent?: ConfiguredState;
  readonly states: Readonly<Record<string, ConfiguredState>>;
  readonly #config: StateConfig;

  /** @param names the machine's id and the keys down to the state. */
  constructor(config: StateConfig, names: readonly string[], parent?: ConfiguredState) {
    this.#config = config;
    this.id = config.id ?? names.join(".");
    this.path = names.slice(1);
    if (parent !== undefined) this.parent = parent;
    const children = Object.entries(config.states ?? {});
    this.states = Object.fromEntries(
      children.map(([key, child]) => [key, new ConfiguredState(child, [...names, key], this)]),
    );
  }

  get type(): Node["type"] {
    return this.#config.type ?? (Object.keys(this.states).length === 0 ? "atomic" : "compound");
  }

  get initial(): Node["initial"] {
    const { initial } = this.#config;
    const key = typeof initial === "object" ? initial.target : initial;
    return { target: key === undefined ? [] : [this.#resolve(`.${key}`)] };
  }

  get entry(): readonly unknown[] {
    return listOf(this.#config.entry);
  }

  get transitions(): Node["transitions"] {
    const events = Object.entries(this.#config.on ?? {});
    const listed = events.map(([event, choices]) => [event, isList(choices) ? choices : [choices]] as const);
    return new Map(listed.map(([event, choices]) => [event, choices.map((choice) => this.#declared(choice))]));
  }

  #declared(choice: string | TransitionConfig | undefined): Declared {
    const { target, guard, reenter = false, actions } = typeof choice === "object" ? choice : { target: choice };
    return {
      target: target === undefined ? undefined : listOf(target).map((one) => this.#resolve(one)),
      guard,
      reenter,
      actions: listOf(actions),
    };
  }

  /** Resolves `#id.path` from the state with the id, `.path` from this state, and `sibling.path` from its parent. */
  #resolve(target: string): ConfiguredState {
    const [first = "", ...keys] = target.split(".");
    const start = first.startsWith("#")
      ? this.#withId(first.slice(1))
      : first === ""
        ? this
        : this.parent?.states[first];
    const found = keys.reduce<ConfiguredState | undefined>((at, key) => at?.states[key], start);
    if (found === undefined)
      throw new TypeError(`State \`${this.id}\` has the target \`${target}\`, which does not exist`);
    return found;
  }

  #withId(id: string): ConfiguredState | undefined {
    return this.parent === undefined ? this.#find(id) : this.parent.#withId(id);
  }

  #find(id: string): ConfiguredState | undefined {
    if (this.id === id) return this;
    for (const child of Object.values(this.states)) {
      const found = child.#find(id);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function listOf<Value>(value: OneOrMany<Value> | undefined): readonly Value[] {
  if (value === undefined) return [];
  return isList(value) ? value : [value];
}

function isList<Value>(value: OneOrMany<Value>): value is readonly Value[] {
  return Array.isArray(value);
}
