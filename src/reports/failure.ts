import { existsSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { Runtime } from "../runtime.ts";
import { errorText, UserError } from "../util/errors.ts";
import { jsonLine } from "../util/text.ts";
import { type Mode, paintFor, plain } from "./paint.ts";
import type { Report } from "./report.ts";
import type { VerifiedReport } from "./verified.ts";

const REPORT = "please report it to the maintainers of zoho-hooks, with this text and what was called";

/** What stops a command, as text for stderr: a JSON object in JSON mode, else what happened and what to do. */
export async function renderFailure(error: unknown, runtime: Runtime, mode: Mode): Promise<string> {
  const known = error instanceof UserError;
  const hint = known ? error.hint && asCalled(error.hint, runtime) : `this is a bug: ${REPORT}`;
  if (mode.json) {
    const code = known ? error.code : "bug";
    return jsonLine({ v: 1, error: { code, message: errorText(error), ...(hint === undefined ? {} : { hint }) } });
  }
  const paint = await paintFor(runtime.stderr, runtime, mode.color);
  if (known) {
    const below = hint === undefined ? "" : `  ${paint.dim(plain(hint, true))}\n`;
    return `${paint.bad("error:")} ${plain(error.message, true)}\n${below}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.bad("bug:")} ${plain(stack, true)}\n  ${paint.dim(REPORT)}\n`;
}

/** A command of ours in a text, unless it stands there as it is called already: `npx zoho-hooks send`. */
const COMMAND = /(?<![\w./-]|npx |another )zoho-hooks(?= (?:--)?[a-z])/g;

/** Commands as this user starts the tool: in a project it is not on the path, and what a hint says is to be copied. */
function asCalled(text: string, runtime: Runtime): string {
  const { invocation } = runtime;
  // What stands there as it is called already is left alone, also where the path of the program has our name in it.
  return withPackageManager(text, runtime)
    .split(invocation)
    .map((part) => part.replace(COMMAND, () => invocation))
    .join(invocation);
}

/** The report with the commands of its advice so. */
export function withCommandsAsCalled(report: Report, runtime: Runtime): Report {
  const called = (text: string): string => asCalled(text, runtime);
  const withRemedies = ({ proof, explanation }: VerifiedReport["explanations"][number]) => ({
    proof,
    explanation: {
      ...explanation,
      findings: explanation.findings.map((each) =>
        each.remedy === undefined ? each : { ...each, remedy: called(each.remedy) },
      ),
    },
  });
  if (report.type === "notice") return { ...report, message: called(report.message) };
  if (report.type === "warning" && report.hint === undefined) return { ...report, message: called(report.message) };
  const noted = "notes" in report ? { ...report, notes: report.notes.map(called) } : report;
  const said = noted.type === "verified" ? { ...noted, explanations: noted.explanations.map(withRemedies) } : noted;
  return "hint" in said && said.hint !== undefined ? { ...said, hint: called(said.hint) } : said;
}

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
