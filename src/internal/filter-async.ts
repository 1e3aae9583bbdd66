/** Returns the items for which `test` resolves to true, in their order. Runs at most `atOnce` tests at a time. */
export async function filterAsync<Item>(
  items: readonly Item[],
  test: (item: Item) => Promise<boolean>,
  atOnce: number,
): Promise<readonly Item[]> {
  const kept: Item[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    const group = items.slice(from, from + atOnce);
    // Every test of the group has ended before an error is thrown.
    const results = await Promise.allSettled(group.map(test));
    for (const [index, item] of group.entries()) {
      const result = results[index];
      if (result?.status === "rejected") throw result.reason;
      if (result?.value === true) kept.push(item);
    }
  }
  return kept;
}
