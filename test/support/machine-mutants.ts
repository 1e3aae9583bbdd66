import { type AnyStateMachine, assign } from "xstate";

type StateNode = AnyStateMachine["root"];

interface Mutant {
  readonly change: string;
  readonly mutant: AnyStateMachine;
}

/** Returns mutants of the machine. Each changes one guard, update, entry action, transition, target, order or parameter. */
export function mutantsOf(machine: AnyStateMachine): Mutant[] {
  const { guards, actions } = machine.implementations;
  return [
    ...Object.entries(guards).flatMap(([name, guard]) =>
      guard === undefined
        ? []
        : [{ change: `${name} negated`, mutant: machine.provide({ guards: { [name]: not(guard) } }) }],
    ),
    ...Object.entries(actions).flatMap(([name, action]) =>
      action !== undefined && "assignment" in action
        ? [{ change: `${name} without effect`, mutant: machine.provide({ actions: { [name]: assign(() => ({})) } }) }]
        : [],
    ),
    ...nodesOf(machine.root).flatMap((node) => [
      ...node.entry.map((_, at) => edited(node, `entry action ${at} left out`, ({ entry }) => entry.splice(at, 1))),
      ...[...node.transitions.keys()].flatMap((event) => transitionMutants(node, event)),
    ]),
  ];
}

function transitionMutants(node: StateNode, event: string): Mutant[] {
  const choicesOf = ({ transitions }: StateNode) => transitions.get(event) ?? [];
  type Choice = ReturnType<typeof choicesOf>[number];
  return choicesOf(node).flatMap((choice, at) => {
    const changed = (change: string, edit: (choice: Choice, choices: Choice[]) => void): Mutant =>
      edited(node, `choice ${at} of ${event} ${change}`, (copy) => {
        const choices = choicesOf(copy);
        for (const it of choices.slice(at, at + 1)) edit(it, choices);
      });
    const altered = (
      change: string,
      alter: (choice: Choice) => { [Part in keyof Choice]?: Choice[Part] | undefined },
    ): Mutant => changed(change, (it) => Object.assign(it, alter(it)));
    return [
      changed("left out", (_, choices) => choices.splice(at, 1)),
      ...choicesOf(node)
        .slice(at + 1, at + 2)
        .map((next) => changed("behind the next", (it, choices) => choices.splice(at, 2, next, it))),
      ...(choice.target === undefined ? [] : [altered("to nowhere", () => ({ target: undefined }))]),
      ...(choice.guard === undefined ? [] : [altered("unguarded", () => ({ guard: undefined }))]),
      ...(choice.reenter ? [altered("without reentry", () => ({ reenter: false }))] : []),
      ...choice.actions.flatMap((action, index) => [
        altered(`without action ${index}`, ({ actions }) => ({ actions: actions.toSpliced(index, 1) })),
        ...(typeof action === "object" && "params" in action
          ? [
              altered(`with other parameters of action ${index}`, ({ actions }) => ({
                actions: actions.with(index, { ...action, params: {} }),
              })),
            ]
          : []),
      ]),
    ];
  });
}

function edited(node: StateNode, change: string, edit: (copy: StateNode) => void): Mutant {
  const mutant = node.machine.provide({});
  edit(mutant.getStateNodeById(`#${node.id}`));
  return { change: `${node.id}: ${change}`, mutant };
}

function not<Args extends unknown[]>(guard: (...args: Args) => boolean): (...args: Args) => boolean {
  return (...args) => !guard(...args);
}

function nodesOf(node: StateNode): StateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}
