// What the scripts have in common that find a program which the tests need.
import { delimiter, join } from "node:path";

/**
 * What `asked` says of the first program with one of these names on the PATH that it knows.
 * @template Found
 * @param {string} path
 * @param {readonly string[]} names
 * @param {(program: string) => Promise<Found | undefined>} asked
 */
export async function onPath(path, names, asked) {
  for (const folder of path.split(delimiter)) {
    for (const name of names) {
      const found = await asked(join(folder, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** @param {any} error */
export function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0];
}

/**
 * Prints the path of what was found, and the rest for people; or why it was not.
 * @param {string} name
 * @param {{ readonly missing: string } | { readonly path: string, readonly version: string, readonly source: string }} found
 */
export function print(name, found) {
  if ("missing" in found) {
    console.error(found.missing);
    process.exitCode = 1;
  } else {
    console.error(`${name} ${found.version}, from ${found.source}`);
    console.log(found.path);
  }
}
