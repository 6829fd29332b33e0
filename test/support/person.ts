import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Prompts } from "../../src/process/prompts.ts";
import { answering } from "./answers.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "./run.ts";

/** Neither of the two variables that trust every folder; our own CI sets one. */
export const NO_TRUST = { CI: "", ZOHO_HOOKS_TRUST: "" } as const;

const QUESTION = "Trust the files of this folder from now on?";

interface PersonRun extends RunOptions {
  readonly cwd: string;
  /** At a terminal, with this answer to the question about trust; without it there is no terminal. */
  readonly says?: boolean;
}

export interface Person {
  /** Their own folder, outside of every project. */
  readonly env: Readonly<Record<string, string>>;
  /** Where they keep what they trust. */
  readonly file: string;
  /** The content of that file; none without one. */
  trusted(): Record<string, unknown>;
  run(argv: readonly string[], options: PersonRun): Promise<RunResult & { readonly questions: number }>;
}

/** Someone with an own home, in which nothing is trusted yet, and with these variables in their environment. */
export function newPerson(configFolder = tempFolder(), own: Readonly<Record<string, string>> = {}): Person {
  const env = { ...NO_TRUST, XDG_CONFIG_HOME: configFolder, ...own };
  const file = join(configFolder, "zoho-hooks", "trusted-folders.json");
  return {
    env,
    file,
    trusted: () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}),
    async run(argv, { says, ...options }) {
      const asked: string[] = [];
      const prompts: { prompts?: Prompts } =
        says === undefined ? {} : { prompts: answering({ [QUESTION]: says }, asked) };
      const result = await run(argv, { ...prompts, ...options, env: { ...env, ...options.env } });
      return { ...result, questions: asked.length };
    },
  };
}

/** A new folder with files; `links` are paths in it, with where they lead. */
export function foreignFolder(
  files: Readonly<Record<string, string>>,
  { links = {}, folder = tempFolder() }: { readonly links?: Readonly<Record<string, string>>; folder?: string } = {},
): string {
  const place = (path: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    return join(folder, path);
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(place(path), content);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
  return folder;
}

const zod = pathToFileURL(join(import.meta.dirname, "../../node_modules/zod/index.js")).href;

/** A schema that is code, of one event or of the named ones: when it runs it leaves a file. */
export function schemaModule(leaves: string, events: readonly string[] = []): string {
  const schema = "z.looseObject({})";
  const map = events.map((event) => `${JSON.stringify(event)}: ${schema}`);
  return [
    'import { writeFileSync } from "node:fs";',
    `import { z } from ${JSON.stringify(zod)};`,
    `writeFileSync(${JSON.stringify(leaves)}, "ran");`,
    `export default ${map.length === 0 ? schema : `{ ${map.join(", ")} }`};`,
    "",
  ].join("\n");
}
