import { existsSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { shareableLine } from "../checks/finding.ts";
import { maskUrls } from "../delivery/mask.ts";
import type { Runtime } from "../process/runtime.ts";
import { errorText, UserError } from "../util/errors.ts";
import { jsonLine, plain, shortValues } from "../util/text.ts";
import { textOf } from "./layout.ts";
import { type Mode, paintFor } from "./paint.ts";
import type { Report } from "./text.ts";

/** An error that ends a command: a line of standard error, with `"v":1` in front. */
interface ErrorLine {
  readonly error: {
    /** Stable, such as `usage`; `bug` for a defect of zoho-hooks. */
    readonly code: string;
    readonly message: string;
    /** What to do. */
    readonly hint?: string;
  };
}

const REPORT = "please report it to the maintainers of zoho-hooks, with this text and the command line";

/** An error that ends a command, as text for stderr: what happened and what to do; in JSON mode as an object. */
export async function renderFailure(error: unknown, runtime: Runtime, mode: Mode): Promise<string> {
  const known = error instanceof UserError;
  const { message, hint } = failureTexts(error, runtime);
  if (mode.json) {
    const line: ErrorLine = { error: { code: known ? error.code : "bug", message, hint } };
    return jsonLine({ v: 1, ...line });
  }
  const paint = await paintFor(runtime.stderr, runtime, mode.color);
  if (!known) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return textOf(`${paint.bad("bug:")} ${plain(stack, true)}`, `  ${paint.dim(REPORT)}`);
  }
  // On one line: a line end in a path or value could begin a line that passes for one of ours.
  return textOf(`${paint.bad("error:")} ${plain(message)}`, hint !== undefined && `  ${paint.dim(plain(hint))}`);
}

/** Message and remedy of an error, as they are shown. */
export function failureTexts(error: unknown, runtime: Runtime): { readonly message: string; readonly hint?: string } {
  // A URL with a password or token may be typed where none belongs, and its message repeats it.
  const message = shortValues(maskUrls(errorText(error)));
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
  const remedied = <T extends { readonly remedy?: string | null }>(each: T): T =>
    typeof each.remedy === "string" ? { ...each, remedy: called(each.remedy) } : each;
  if (report.type === "notice" || (report.type === "warning" && report.hint === undefined)) {
    return { ...report, message: called(report.message) };
  }
  if (report.type === "check") {
    const text = called(report.text);
    return remedied({ ...report, text, shareable: shareableLine({ ...report, text }) });
  }
  const noted =
    "notes" in report && report.notes !== undefined ? { ...report, notes: report.notes.map(called) } : report;
  if (noted.type === "verified") {
    if (noted.explanations === undefined) return noted;
    const explanations = noted.explanations.map((each) => ({ ...each, findings: each.findings.map(remedied) }));
    return { ...noted, explanations };
  }
  return "hint" in noted && typeof noted.hint === "string" ? { ...noted, hint: called(noted.hint) } : noted;
}

const NPM = {
  name: "npm",
  lockFiles: ["package-lock.json"],
  add: "npm install --save-dev",
  rebuild: "npm rebuild better-sqlite3",
};

const PACKAGE_MANAGERS: readonly (typeof NPM)[] = [
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
  if (!text.includes(`${NPM.add} `) && !text.includes(NPM.rebuild)) return text;
  const { cwd, env, invocation, packageRoot } = installation;
  const folders = parents(cwd);
  // The lock file first: npx is used in projects of every package manager.
  const locked = folders.flatMap((folder) =>
    PACKAGE_MANAGERS.filter(({ lockFiles }) => lockFiles.some((file) => existsSync(join(folder, file)))),
  );
  const agent = env.npm_config_user_agent?.split("/")[0];
  const { add, rebuild } = locked[0] ?? PACKAGE_MANAGERS.find(({ name }) => name === agent) ?? NPM;
  const isInProject = folders.some(
    (folder) => packageRoot === folder || packageRoot.startsWith(join(folder, "node_modules") + sep),
  );
  const isBeside = isInProject || invocation === "yarn zoho-hooks";
  // Run by npx, the tool is in a cache and finds no package of the project.
  const elsewhere = invocation === "zoho-hooks" ? "npm install --global" : `${add} zoho-hooks`;
  return text.replace(NPM.add, isBeside ? add : elsewhere).replace(NPM.rebuild, rebuild);
}

function parents(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...parents(parent)];
}
