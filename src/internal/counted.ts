const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Formats a number with grouped digits: `1,204`. */
export function amount(number: number): string {
  return grouped.format(number);
}

/** Formats a number with its noun: `1 key`, `1,204 keys`. */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${amount(number)} ${number === 1 ? singular : plural}`;
}
