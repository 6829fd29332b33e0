import { loadConfig } from "../../config/load.ts";
import type { Define } from "../command.ts";
import { collect } from "../options.ts";
import { chosenProfile, openStore } from "../zoho-session.ts";
import { type LoginOptions, readLoginPlan } from "./plan.ts";
import { signIn } from "./sign-in.ts";

export const define: Define = (command, act) => {
  command
    .option("--code <code>", "sign in with a self client's code, - for standard input")
    .option("--browser", "sign in with the browser: the client's redirect URL must be http://localhost:<port>/callback")
    .option("--device", "sign in with a code that you enter on another device")
    .option(
      "--refresh-token-file <path>",
      "use an existing refresh token, from a file or - for standard input (default: ZOHO_REFRESH_TOKEN)",
    )
    .option("--client-id <id>", "the OAuth client (default: ZOHO_CLIENT_ID)")
    .option(
      "--client-secret-file <path>",
      "the client's secret, from a file or - for standard input (default: ZOHO_CLIENT_SECRET)",
    )
    .option(
      "--dc <id>",
      "data centre: us, eu, in, au, jp, ca, sa, cn, uk, ae, or auto to try each (default: ZOHO_DC, else us)",
    )
    .option("--environment <name>", "production, sandbox or developer (default: ZOHO_ENVIRONMENT, else production)")
    .option(
      "--product <product>",
      "ask for the scopes of this product's channels or webhooks (repeatable, default: crm)",
      collect,
    )
    .option("--scope <scope>", "ask for this scope as well (repeatable)", collect)
    .option("--profile <name>", "the name to save the sign-in under (default: ZOHO_PROFILE, else default)")
    .option("--port <port>", "for --browser: the port of the redirect URL", "8976")
    .option("--no-open", "for --browser: only print the address")
    .option("--no-keyring", "keep the secrets in a private file instead of the system's keyring")
    .addHelpText("after", HELP)
    .action(
      act(async (context, given: Omit<LoginOptions, "profile"> & { readonly profile?: string }) => {
        const config = loadConfig(context);
        const options: LoginOptions = { ...given, profile: chosenProfile(config, given.profile) ?? "default" };
        const store = openStore(context, config, options.keyring);
        await store.check(options.profile);
        return signIn(context, config, store, await readLoginPlan(context, config.env, options));
      }),
    );
};

const HELP = `
The simplest way: open https://api-console.zoho.com (or .eu, .in …, as your data centre), create a Self Client, generate
a code for the scopes that this command names, and paste it here. A code is valid for a few minutes and works once.

Each organisation belongs to one data centre, and all others reject its codes. If you do not know yours, --dc auto tries
one after the other and tells you which it was. Each accounts server that it tries gets to see the client's secret.

In CI you need no login: set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC, or ZOHO_ACCESS_TOKEN.
ZOHO_ACCOUNTS_URL and ZOHO_API_URL set other hosts. Secrets are stored in the system's keyring, or, if there is none or
ZOHO_KEYRING is off, in a file that only you can read.

Examples:
  $ zoho-hooks login
  $ zoho-hooks login --dc eu --client-id 1000.X --client-secret-file secret.txt --code 1000.abc
  $ zoho-hooks login --dc auto --client-id 1000.X --client-secret-file secret.txt --code 1000.abc
  $ zoho-hooks login --browser --profile acme --product crm --product bigin
`;
