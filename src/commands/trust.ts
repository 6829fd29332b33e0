import { resolve } from "node:path";
import { type Context, overrideContext } from "../project/context.ts";
import { decisionsOf, decisionText } from "../project/decisions.ts";
import { readProject } from "../project/project.ts";
import { ALL, distrust, folderAround, readTrusted, type TrustedFolders, trust, userStore } from "../project/trust.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isFolder } from "../util/files.ts";
import { oneLine } from "../util/text.ts";
import type { Define } from "./command.ts";

/** A folder that you trust. @printedBy trust --list */
export interface FolderLine {
  readonly type: "folder";
  readonly folder: string;
  /** With all folders below it, whatever their files decide. */
  readonly below: boolean;
  readonly decisions: readonly string[];
}

type TrustFlags = Readonly<Partial<Record<"below" | "remove" | "list", boolean>>>;

export const define: Define = (command, act) => {
  command
    .argument("[folder]", "the folder of a project (default: that of the current project)")
    .option("--below", "trust all folders below it as well, whatever their files decide")
    .option("--remove", "stop trusting it")
    .option("--list", "list the trusted folders")
    .addHelpText("before", examples("zoho-hooks trust", "zoho-hooks trust ~/work --below", "zoho-hooks trust --list"))
    .addHelpText("after", HELP)
    .action(act(trustFolder));
};

const HELP = `
Settings that affect only this machine apply immediately: ports, formats, targets on localhost. Settings that can send data
elsewhere or run code need your trust: targets and logs elsewhere, accounts and tunnels in its .env, schemas that are code.
The first command in such a folder asks, and again only about something new. In CI (CI=true), and with ZOHO_HOOKS_TRUST=1, all folders are trusted.`;

async function trustFolder(context: Context, folder: string | undefined, flags: TrustFlags): Promise<ExitCode> {
  const { below, remove, list } = flags;
  if ([below, remove, list].filter(Boolean).length > 1 || (list && folder !== undefined))
    throw usageError("--below, --remove and --list exclude one another, and --list takes no folder");
  if (list) return listTrusted(context);
  const say = (message: string): ExitCode => {
    context.report({ type: "notice", message });
    return ExitCode.ok;
  };
  const cwd = resolve(context.cwd, folder ?? ".");
  if (!remove && !isFolder(cwd)) throw usageError(`there is no folder ${cwd}`);
  const project = readProject(overrideContext(context, { cwd }), below || remove ? () => undefined : undefined);
  const root = folder === undefined ? project.root : cwd;
  const shown = oneLine(root);
  if (remove) {
    const was = await distrust(context, root);
    const around = folderAround(await readTrusted(context), root);
    if (around === undefined) return say(was ? `${shown} is no longer trusted` : `${shown} was not trusted`);
    throw usageError(
      `${shown} is below ${oneLine(around)}, which is trusted with all folders in it`,
      `remove that one: ${context.invocation} trust ${around} --remove`,
    );
  }
  if (below) {
    await trust(context, root, ALL);
    return say(`trusted: ${shown}, and all folders below it, whatever their files decide`);
  }
  if (project.root !== root)
    throw usageError(
      `${shown} belongs to the project in ${oneLine(project.root)}`,
      `trust that: ${context.invocation} trust ${project.root}`,
    );
  const decisions = decisionsOf(project, userStore(context, project));
  await trust(context, root, decisions);
  const texts = decisions.map(decisionText).join("; ");
  return say(`trusted: ${shown}${texts === "" ? "" : ` (${texts})`}`);
}

async function listTrusted(context: Context): Promise<ExitCode> {
  const rows = Object.entries(await readTrusted(context)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const textOf = (decisions: TrustedFolders[string]): string =>
    decisions === ALL ? "all, and all folders below it" : decisions.join("; ") || "nothing yet";
  context.report({
    type: "table",
    columns: ["folder", "trusted with"],
    rows: rows.map(([folder, decisions]) => [folder, textOf(decisions)]),
    json: rows.map(([folder, decisions]): FolderLine => {
      const below = decisions === ALL;
      return { type: "folder", folder, below, decisions: below ? [] : decisions };
    }),
    footer: rows.length === 0 ? "no folder is trusted" : undefined,
  });
  return ExitCode.ok;
}
