/** Formats a header and rows with columns as wide as their widest cell. Columns of numbers are aligned to the right. */
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
