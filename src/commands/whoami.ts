import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import { whoami } from "../zoho-api/whoami.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .option(
      "--profile <name>",
      "the sign-in to show (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .addHelpText("before", examples("zoho-hooks whoami", "zoho-hooks whoami --profile acme"))
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: { readonly profile?: string }) => {
        await whoami(context, options);
        return ExitCode.ok;
      }),
    );
};

const HELP = `
Lists the profiles on this machine, with → before the one in use, if there are others. Asks Zoho for an access token unless there is a valid one. If Zoho refuses, the sign-in no longer works: exit code 6. An
access token that is stored here, or set with ZOHO_ACCESS_TOKEN, is not tried.`;
