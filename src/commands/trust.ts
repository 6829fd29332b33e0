import { resolve } from "node:path";
import { loadConfig } from "../config/load.ts";
import { ALL, decisionsOf, distrust, trust } from "../config/trust.ts";
import type { Context } from "../context.ts";
import { examples } from "../reports/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";
import { withMembers } from "./helpers/with-members.ts";

interface TrustOptions {
  readonly below?: boolean;
  readonly remove?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument("[folder]", "the folder of a project (default: the current project)")
    .option("--below", "trust all folders below it as well, whatever their files say")
    .option("--remove", "trust it no longer")
    .addHelpText("before", examples("zoho-hooks trust", "zoho-hooks trust ~/work --below"))
    .addHelpText("after", HELP)
    .action(act(trustFolder));
};

const HELP = `
What the files of a folder decide for this machine alone needs no trust. Targets and logs elsewhere, accounts, hosts and
tunnels of its .env, and schemas that are code, do: each once, and again only where there is something new.`;

async function trustFolder(context: Context, folder: string | undefined, options: TrustOptions): Promise<ExitCode> {
  const at = folder === undefined ? context : withMembers(context, { cwd: resolve(context.cwd, folder) });
  const config = loadConfig(at, { onFault() {} });
  const root = folder === undefined ? config.root : at.cwd;
  const notice = (message: string): void => context.report({ type: "notice", message });
  if (options.remove === true) {
    await distrust(context, root);
    notice(`${root} is not trusted any more`);
    return ExitCode.ok;
  }
  const decisions = options.below === true ? ALL : decisionsOf(config, false);
  await trust(context, root, decisions);
  const what = decisions === ALL ? "and all folders below it, whatever their files say" : decisions.join("; ");
  notice(`trusted: ${root}${what === "" ? "" : `: ${what}`}`);
  return ExitCode.ok;
}
