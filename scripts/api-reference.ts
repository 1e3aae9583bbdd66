// Writes the API reference from the docstrings, one page per entry of the package: npm run api
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  Application,
  Comment,
  Converter,
  type DeclarationReflection,
  type ProjectReflection,
  ReferenceType,
  type Reflection,
  ReflectionKind,
} from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Folder of the generated pages. Git ignores it; a release contains it. */
export const FOLDER = join(root, "docs", "api");

/** The source file of each entry, by the name that users import. */
export function entrySources(): ReadonlyMap<string, string> {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const exported = isRecord(manifest) && isRecord(manifest["exports"]) ? Object.entries(manifest["exports"]) : [];
  return new Map(
    exported.flatMap(([path, target]) => {
      const built = isRecord(target) ? String(target["default"]) : "";
      const source = /^\.\/dist\/(?<path>.+)\.js$/.exec(built)?.groups?.["path"];
      return source === undefined ? [] : [[path.replace(".", "latchkey"), join(root, `${source}.ts`)] as const];
    }),
  );
}

/** Reads the public names of the package and their docstrings. */
export async function readApi(
  sources: ReadonlyMap<string, string> = entrySources(),
): Promise<{ readonly app: Application; readonly project: ProjectReflection }> {
  const options: Partial<PluginOptions> = {
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
  };
  const app = await Application.bootstrapWithPlugins({
    name: "Latchkey API",
    out: FOLDER,
    router: "module",
    readme: "none",
    entryPoints: [...sources.values()],
    tsconfig: join(root, "tsconfig.json"),
    plugin: ["typedoc-plugin-markdown"],
    // `npm run typecheck` reports type errors.
    skipErrorChecking: true,
    preservedTypeAnnotationTags: ["@throws"],
    excludeExternals: true,
    excludePrivate: true,
    disableSources: true,
    sort: ["source-order"],
    logLevel: "Error",
    ...options,
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) module.name = entryOf(module, sources);
    // The inferred type of a machine fills pages and says less than its chart.
    for (const { type } of declarations(project, [ReflectionKind.Variable])) {
      if (type instanceof ReferenceType) delete type.typeArguments;
    }
    for (const { comment } of Object.values(project.reflections)) showThrownTypes(comment);
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc could not read the sources");
  return { app, project };
}

/** Puts the type of `@throws {Type}` into its text: pages show only the text. */
function showThrownTypes(comment: Comment | undefined): void {
  for (const tag of comment?.blockTags ?? []) {
    const { typeAnnotation } = tag;
    if (tag.tag !== "@throws" || typeAnnotation === undefined) continue;
    const names = typeAnnotation.replace(/^\{|\}$/g, "").split("|");
    const code = names.map((name) => `\`${name.trim()}\``).join(" or ");
    tag.content.unshift({ kind: "text", text: `${code} ` });
    delete tag.typeAnnotation;
  }
}

/** Lists the public names, and the members of public classes and interfaces, that have no description. */
export function undescribed(project: ProjectReflection): readonly string[] {
  return [...declarations(project, NAMES), ...declarations(project, MEMBERS).filter(isOwnMember)]
    .filter((reflection) => !hasDescription(reflection))
    .map((reflection) => `${reflection.getFullName()} in ${sourceFile(reflection)}`)
    .toSorted();
}

const NAMES = [
  ReflectionKind.Class,
  ReflectionKind.Interface,
  ReflectionKind.TypeAlias,
  ReflectionKind.Function,
  ReflectionKind.Variable,
];
const MEMBERS = [ReflectionKind.Property, ReflectionKind.Method, ReflectionKind.Accessor];

function declarations(project: ProjectReflection, kinds: readonly ReflectionKind[]): readonly DeclarationReflection[] {
  return kinds.flatMap((kind) => project.getReflectionsByKind(kind)).filter((reflection) => reflection.isDeclaration());
}

/** An ancestor or an implemented interface describes the members that a class takes over. */
function isOwnMember({ parent, inheritedFrom, overwrites, implementationOf }: DeclarationReflection): boolean {
  const isMember = parent?.kindOf([ReflectionKind.Class, ReflectionKind.Interface]) === true;
  return isMember && !inheritedFrom && !overwrites && !implementationOf;
}

/** Functions, methods and accessors carry their docstring on a signature. */
function hasDescription(reflection: DeclarationReflection): boolean {
  return [reflection, ...reflection.getAllSignatures()].some(
    ({ comment }) => Comment.combineDisplayParts(comment?.summary).trim() !== "",
  );
}

function sourceFile(reflection: DeclarationReflection): string {
  return reflection.project.getSymbolIdFromReflection(reflection)?.packagePath ?? "an unknown file";
}

/** TypeDoc names a module by its folder below the root. */
function entryOf(module: Reflection, sources: ReadonlyMap<string, string>): string {
  const [entry] = [...sources].find(([, source]) => dirname(source) === join(root, module.name)) ?? [];
  return entry ?? module.name;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { app, project } = await readApi();
  await app.generateOutputs(project);
}
