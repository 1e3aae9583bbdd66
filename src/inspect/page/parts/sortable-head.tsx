import type { VNode } from "preact";

export interface SortableColumn<Column extends string> {
  readonly column: Column;
  readonly name: string;
  readonly isNumber?: boolean;
}

export interface ColumnOrder<Column extends string> {
  readonly column: Column;
  readonly isDown: boolean;
}

interface SortableHeadProps<Column extends string> {
  readonly columns: readonly SortableColumn<Column>[];
  readonly order: ColumnOrder<Column>;
  readonly onSort: (order: ColumnOrder<Column>) => void;
  /** True for a column that is sorted downwards at the first click. */
  readonly isDownFirst?: (column: Column) => boolean;
  /** Number of the row, if only some rows of the table are rendered. */
  readonly rowIndex?: number;
}

/** The head of a table. A click on a column sorts by it, and a second click reverses the order. */
export function SortableHead<Column extends string>(props: SortableHeadProps<Column>): VNode {
  const { columns, order, onSort, isDownFirst = () => false, rowIndex } = props;
  return (
    <thead>
      <tr aria-rowindex={rowIndex}>
        {columns.map(({ column, name, isNumber = false }) => {
          const isSorted = order.column === column;
          const direction = order.isDown ? "descending" : "ascending";
          return (
            <th
              key={column}
              scope="col"
              class={`${column}${isNumber ? " number" : ""}`}
              aria-sort={isSorted ? direction : "none"}
            >
              <button
                type="button"
                onClick={() => onSort({ column, isDown: isSorted ? !order.isDown : isDownFirst(column) })}
              >
                {name}
                <span aria-hidden="true">{isSorted ? (order.isDown ? " ↓" : " ↑") : ""}</span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
