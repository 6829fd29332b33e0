import { existsSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { maskUrls } from "../delivery/mask.ts";
import type { Report } from "../process/messages.ts";
import type { Runtime } from "../process/runtime.ts";
import { errorText, UserError } from "../util/errors.ts";
import { jsonLine, plain } from "../util/text.ts";
import type { VerifiedReport } from "../verify/reports.ts";
import { type Mode, paintFor } from "./paint.ts";

const REPORT = "please report it to the maintainers of zoho-hooks, with this text and the command line";

/** An error that ends a command, as text for stderr: what happened and what to do; in JSON mode as an object. */
export async function renderFailure(error: unknown, runtime: Runtime, mode: Mode): Promise<string> {
  const known = error instanceof UserError;
  const { message, hint } = failureTexts(error, runtime);
  if (mode.json) {
    const code = known ? error.code : "bug";
    return jsonLine({ v: 1, error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  }
  const paint = await paintFor(runtime.stderr, runtime, mode.color);
  if (known) {
    const below = hint === undefined ? "" : `  ${paint.dim(plain(hint))}\n`;
    // On one line: a line end in a path or value could begin a line that passes for one of ours.
    return `${paint.bad("error:")} ${plain(message)}\n${below}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.bad("bug:")} ${plain(stack, true)}\n  ${paint.dim(REPORT)}\n`;
}

/** What happened and what to do, as it is shown. */
export function failureTexts(error: unknown, runtime: Runtime): { readonly message: string; readonly hint?: string } {
  // A URL with a password or token may be typed where none belongs, and its message repeats it.
  const message = maskUrls(errorText(error));
  if (!(error instanceof UserError)) return { message, hint: `this is a bug: ${REPORT}` };
  return error.hint ? { message, hint: asCalled(maskUrls(error.hint), runtime) } : { message };
}

/** One of our commands in a text, unless it is already written as it is called: `npx zoho-hooks send`. */
const COMMAND = /(?<![\w./-]|npx |another )zoho-hooks(?= (?:--)?[a-z])/g;

/** A text with commands as this user can paste them: the tool of a project is not on the PATH. */
function asCalled(text: string, runtime: Runtime): string {
  const { invocation } = runtime;
  // The path of the program may have our name in it, so what is written as called already is not touched.
  return withPackageManager(text, runtime)
    .split(invocation)
    .map((part) => part.replace(COMMAND, () => invocation))
    .join(invocation);
}

/** A report whose hints, notes and remedies can be pasted. */
export function withCommandsAsCalled(report: Report, runtime: Runtime): Report {
  const called = (text: string): string => asCalled(text, runtime);
  const withRemedies = ({ id, explanation }: VerifiedReport["explanations"][number]) => ({
    id,
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
  if (noted.type === "check") {
    const remedy = noted.remedy === undefined ? {} : { remedy: called(noted.remedy) };
    return { ...noted, text: called(noted.text), ...remedy };
  }
  if (noted.type === "verified") return { ...noted, explanations: noted.explanations.map(withRemedies) };
  return "hint" in noted && noted.hint !== undefined ? { ...noted, hint: called(noted.hint) } : noted;
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

/** Rewrites npm commands for the package manager in use and for where this tool is installed. */
export function withPackageManager(text: string, installation: Installation): string {
  if (!/npm (install --save-dev|rebuild) /.test(text)) return text;
  const manager = packageManager(installation);
  return text.replace(NPM.add, addCommand(manager, installation)).replace(NPM.rebuild, manager.rebuild);
}

function addCommand({ add }: PackageManager, { cwd, invocation, packageRoot }: Installation): string {
  const isInProject = parents(cwd).some(
    (folder) => packageRoot === folder || packageRoot.startsWith(join(folder, "node_modules") + sep),
  );
  if (isInProject || invocation === "yarn zoho-hooks") return add;
  // Run by npx, the tool is in a cache and finds no package of the project.
  return invocation === "zoho-hooks" ? "npm install --global" : `${add} zoho-hooks`;
}

/** The lock file first: npx is used in projects of every package manager. */
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
