/** Binds what runs a machine to the effects of what it runs for, and finds them again. */
export interface EffectsBinding<Effects> {
  readonly bind: (of: Effects) => object;
  /** @throws {TypeError} for what is not bound, and for what another binding bound. */
  readonly effectsOf: (self: object) => Effects;
}

/** A binding of its own for each machine. */
export function effectsBinding<Effects>(): EffectsBinding<Effects> {
  const effects = Symbol("effects");
  const isBound = (self: object): self is { readonly [effects]: Effects } => effects in self;
  return {
    bind: (of) => ({ [effects]: of }),
    effectsOf(self) {
      if (isBound(self)) return self[effects];
      throw new TypeError("An actor of the machine has no effects");
    },
  };
}
