/** Lines of cells under a header, each column as wide as its widest cell; columns that hold figures are flush right. */
export function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const isFigure = header.map((_, column) => lines.every((line) => /^[\d,.–× -]*$/.test(line[column] ?? "")));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...lines]
    .map((line) =>
      line
        .map((cell, column) =>
          isFigure[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
