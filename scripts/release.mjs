// Releases the version in package.json. Without --publish it only checks, builds and packs, and prints what it would publish.
//
//   npm run release
//   npm run release -- --publish
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Lists the obstacles to a release, one sentence each.
 *
 * @param {object} release
 * @param {string} release.version version in package.json
 * @param {string} release.changelog text of CHANGELOG.md
 * @param {readonly string[]} release.tags tags of the repository
 * @param {readonly string[]} release.changes changed and untracked files
 * @returns {string[]}
 */
export function obstacles({ version, changelog, tags, changes }) {
  const found = [];
  if (changes.length > 0) found.push(`The working tree has changes: ${changes.join(", ")}. Commit or stash them.`);
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
    found.push(`The version ${version} in package.json is not semantic. Set one such as 1.2.3.`);
  }
  if (tags.includes(`v${version}`)) found.push(`The tag v${version} exists. Raise the version in package.json.`);
  if (notesOf(changelog, version) === "") {
    found.push(`CHANGELOG.md has no entries for ${version}. Add a section "## [${version}] - YYYY-MM-DD".`);
  }
  if (notesOf(changelog, "Unreleased") !== "") {
    found.push(`CHANGELOG.md has entries under Unreleased. Move them to the section of ${version}.`);
  }
  return found;
}

/**
 * Returns the entries of one section of the changelog.
 *
 * @param {string} changelog
 * @param {string} version
 * @returns {string}
 */
export function notesOf(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const released = /^\[(?<name>[^\]]+)\](?: - \d{4}-\d{2}-\d{2})?$/;
  for (const section of sections) {
    const [title = "", ...lines] = section.split("\n");
    if (released.exec(title.trim())?.groups?.["name"] === version) return lines.join("\n").trim();
  }
  return "";
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const publish = publishRequested(process.argv.slice(2));
  const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const found = obstacles({
    version,
    changelog,
    tags: linesOf("git", ["tag", "--list"]),
    changes: linesOf("git", ["status", "--porcelain"]).map((line) => line.slice(3)),
  });
  const report = () => {
    for (const sentence of found) console.error(sentence);
  };
  if (publish && found.length > 0) {
    report();
    process.exit(1);
  }

  run("npm", ["test"]);
  run("npm", ["run", "build"]);
  rmSync(join(root, "docs", "api"), { recursive: true, force: true });
  run("npm", ["run", "api"]);
  const folder = join(root, ".cache", "release");
  mkdirSync(folder, { recursive: true });
  const [packed] = JSON.parse(outputOf("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]));
  const tarball = join(folder, packed.filename);

  console.log(`\n${name}@${version}: ${packed.entryCount} files, ${packed.size} bytes packed, in ${tarball}`);
  for (const file of packed.files) console.log(`  ${file.path}`);
  console.log(`\nNotes:\n${notesOf(changelog, version) || notesOf(changelog, "Unreleased")}\n`);
  if (publish) {
    run("npm", ["publish", tarball]);
    run("git", ["tag", "--annotate", `v${version}`, "--message", `Release ${version}`]);
    console.log(`Published. Push the tag: git push origin v${version}`);
  } else {
    console.log("Dry run: nothing was published. With --publish, this tarball would be published and tagged.");
    report();
    process.exitCode = found.length === 0 ? 0 : 1;
  }
}

/**
 * Returns whether to publish; refuses anything but the two known options.
 *
 * @param {readonly string[]} options
 */
function publishRequested(options) {
  const unknown = options.find((option) => option !== "--publish" && option !== "--dry-run");
  if (unknown !== undefined || options.length > 1) {
    console.error("Usage: npm run release -- [--dry-run | --publish]");
    process.exit(2);
  }
  return options.includes("--publish");
}

/** Runs a program to its end, or ends this one. */
function run(/** @type {string} */ command, /** @type {string[]} */ options) {
  console.log(`\n$ ${command} ${options.join(" ")}`);
  const { status } = spawnSync(command, options, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

function outputOf(/** @type {string} */ command, /** @type {string[]} */ options) {
  const { status, stdout, error } = spawnSync(command, options, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${command} ${options.join(" ")} failed`, { cause: error });
  return stdout;
}

function linesOf(/** @type {string} */ command, /** @type {string[]} */ options) {
  return outputOf(command, options)
    .split("\n")
    .filter((line) => line !== "");
}
