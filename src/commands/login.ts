import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import { login } from "../zoho-api/login.ts";
import type { LoginOptions } from "../zoho-api/login-plan.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import type { Define } from "./command.ts";
import { collect } from "./flags/index.ts";

export const define: Define = (command, act) => {
  command
    .option(
      "--code <code>",
      "sign in with a code of a self client, without a browser on this machine; - for standard input",
    )
    .option("--browser", "sign in with the browser: the client's redirect URL must be http://localhost:<port>/callback")
    .option("--client-id <id>", "the OAuth client (default: ZOHO_CLIENT_ID)")
    .option(
      "--dc <id>",
      "data centre: us, eu, in, au, jp, ca, sa, cn, uk, ae, another that Zoho lists, or auto to try each of these ten (default: ZOHO_DC, else us)",
    )
    .option(
      "--product <product>",
      "request the scopes of this product's channels or webhooks (repeatable, default: crm)",
      collect,
    )
    .option("--scope <scope>", "request this scope as well (repeatable)", collect)
    .option("--profile <name>", "the name to save the sign-in under (default: ZOHO_PROFILE, else default)")
    .option("--port <port>", "for --browser: the port of the redirect URL", "8976")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks login",
        "ZOHO_CLIENT_SECRET_FILE=secret.txt zoho-hooks login --dc eu --client-id 1000.X --code 1000.abc",
        "zoho-hooks login --dc auto",
        "zoho-hooks login --browser --profile acme --product crm --product bigin",
      ),
    )
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: LoginOptions) => {
        await login(context, options);
        return ExitCode.ok;
      }),
    );
};

const HELP = `
The simplest way: open https://api-console.zoho.com (or .eu, .in … for your data centre), create a Self Client, generate
a code, and paste it here. It is valid for a few minutes and works once. This machine needs no browser for it: the
console may be open on another one. The scopes for CRM channels:
  ${LOGIN_SCOPES.crm.join(",")}
For other products, zoho-hooks login --product <product> shows them before it asks for the code.

Each organisation belongs to one data centre, and all others reject its codes. If you do not know yours, --dc auto tries
each of them and tells you which one it was. Every accounts server that it tries sees the client's secret.

Variables answer the questions: ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN, which signs in without a code.
Variables of secrets can end with _FILE to name a file. For a sandbox or developer organisation, set ZOHO_ENVIRONMENT to
sandbox or developer. Secrets are stored in the system's keyring. If there is none, or ZOHO_KEYRING is off, they are stored
in a file that only you can read. With BROWSER=none, --browser prints the address and opens nothing.

In CI you need no login: set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC, or ZOHO_ACCESS_TOKEN.
ZOHO_ACCOUNTS_URL and ZOHO_API_URL set other hosts.`;
