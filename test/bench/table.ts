/** Formats a header and rows as a Markdown table, with columns as wide as their widest cell. Columns of numbers are aligned to the right. */
export function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const columns = header.map((title, column) => {
    const cells = lines.map((line) => line[column] ?? "");
    const width = Math.max(MIN_WIDTH, title.length, ...cells.map(({ length }) => length));
    return cells.every((cell) => /^[\d,.–× -]*$/.test(cell))
      ? { rule: `${"-".repeat(width - 1)}:`, padded: (cell: string) => cell.padStart(width) }
      : { rule: "-".repeat(width), padded: (cell: string) => cell.padEnd(width) };
  });
  const row = (cells: readonly string[]) => columns.map(({ padded }, column) => padded(cells[column] ?? ""));
  return [row(header), columns.map(({ rule }) => rule), ...lines.map(row)]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

const MIN_WIDTH = 3;
