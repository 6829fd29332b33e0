import { existsSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { Runtime } from "../context.ts";

interface PackageManager {
  readonly name: string;
  readonly lockFiles: readonly string[];
  readonly add: string;
  readonly rebuild: string;
}

const NPM: PackageManager = {
  name: "npm",
  lockFiles: ["package-lock.json"],
  add: "npm install --save-dev",
  rebuild: "npm rebuild better-sqlite3",
};

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  NPM,
  {
    name: "pnpm",
    lockFiles: ["pnpm-lock.yaml"],
    // pnpm runs no install script that the project does not allow.
    add: "pnpm add --save-dev --allow-build=better-sqlite3",
    rebuild: "pnpm approve-builds",
  },
  { ...NPM, name: "yarn", lockFiles: ["yarn.lock"], add: "yarn add --dev" },
  { ...NPM, name: "bun", lockFiles: ["bun.lock", "bun.lockb"], add: "bun add --dev" },
];

type Installation = Pick<Runtime, "cwd" | "env" | "invocation" | "packageRoot">;

/** Rewrites the npm commands of a hint for the package manager in use, and for where this tool is installed. */
export function withPackageManager(text: string, installation: Installation): string {
  if (!/npm (install --save-dev|rebuild) /.test(text)) return text;
  const manager = packageManager(installation);
  return text.replace(NPM.add, addCommand(manager, installation)).replace(NPM.rebuild, manager.rebuild);
}

function addCommand({ add }: PackageManager, { cwd, invocation, packageRoot }: Installation): string {
  const isInProject = parents(cwd).some(
    (folder) => packageRoot === folder || packageRoot.startsWith(join(folder, "node_modules") + sep),
  );
  if (isInProject) return add;
  // Run by npx, this tool lies in a cache, where it finds no package of the project.
  return invocation === "zoho-hooks" ? "npm install --global" : `${add} zoho-hooks`;
}

/** The lock file goes first: npx is used in projects of every package manager. */
function packageManager({ cwd, env }: Installation): PackageManager {
  for (const folder of parents(cwd)) {
    const found = PACKAGE_MANAGERS.find(({ lockFiles }) => lockFiles.some((file) => existsSync(join(folder, file))));
    if (found !== undefined) return found;
  }
  const [agent] = env.npm_config_user_agent?.split("/") ?? [];
  return PACKAGE_MANAGERS.find(({ name }) => name === agent) ?? NPM;
}

function parents(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...parents(parent)];
}
