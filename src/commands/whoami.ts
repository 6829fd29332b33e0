import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import { listProfiles, whoami } from "../zoho-api/whoami.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .option(
      "--profile <name>",
      "the sign-in to show (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .option("--all", "list the profiles on this machine, without asking Zoho")
    .addHelpText("before", examples("zoho-hooks whoami", "zoho-hooks whoami --all"))
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: { readonly profile?: string; readonly all?: boolean }) => {
        await (options.all === true ? listProfiles : whoami)(context, options);
        return ExitCode.ok;
      }),
    );
};

const HELP = `
Asks Zoho for an access token unless there is a valid one. If Zoho refuses, the sign-in no longer works: exit code 6. An
access token that is stored here, or set with ZOHO_ACCESS_TOKEN, is not tried.`;
