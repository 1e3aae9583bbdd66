// The used part of dagre's API. Its own declarations use imports that Node's module resolution does not accept.
declare module "@dagrejs/dagre" {
  interface Size {
    readonly width: number;
    readonly height: number;
  }

  interface Place {
    readonly x: number;
    readonly y: number;
  }

  export class Graph {
    constructor(options: { readonly multigraph: boolean; readonly compound: boolean });
    setGraph(label: Readonly<Record<string, string | number>>): void;
    setNode(id: string, label: Size): void;
    setParent(id: string, parent: string): void;
    setEdge(from: string, to: string, label: Size & { readonly labelpos: "c" }, name: string): void;
    /** After {@link layout}. */
    graph(): Size;
    /** After {@link layout}. */
    node(id: string): Size & Place;
    /** After {@link layout}; the place is that of the text. */
    edge(from: string, to: string, name: string): Place & { readonly points: readonly Place[] };
  }

  export function layout(graph: Graph): void;
}
