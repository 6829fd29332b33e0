import { loadConfig, userFolder } from "../config/load.ts";
import { ExitCode } from "../core/errors.ts";
import { apiUrl } from "../zoho/data-centres.ts";
import type { Define } from "./command.ts";
import { openSignIn, openStore, sessionTokens, zohoHttp } from "./zoho-session.ts";

interface WhoamiOptions {
  readonly profile?: string;
}

export const define: Define = (command, act) => {
  command
    .option("--profile <name>", "which sign-in (default: the environment's, else the current profile)")
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: WhoamiOptions) => {
        const config = loadConfig(context);
        const signIn = await openSignIn(context, config, options.profile);
        const http = zohoHttp(context, config);
        try {
          const tokens = sessionTokens(context, signIn, http);
          const token = await context.waiting("asking Zoho for an access token", () => tokens.get(context.signal));
          const { access, centre, environment, hosts } = signIn;
          context.report({
            type: "sign-in",
            state: "current",
            profile: signIn.name,
            dataCentre: centre.id,
            environment,
            accountsUrl: hosts.accountsUrl,
            apiUrl: hosts.apiUrl ?? token.apiDomain ?? apiUrl(centre, environment),
            clientId: access.kind === "refreshable" ? access.client.clientId : undefined,
            scopes: signIn.scopes.length > 0 ? signIn.scopes : (token.scopes ?? []),
            secretsIn: await placeOf(signIn.name),
            tokenExpiresAt: token.expiresAt,
          });
          return ExitCode.ok;
        } finally {
          await http.close();
        }

        async function placeOf(name: string): Promise<string> {
          const { profiles } = await openStore(context, config).profiles();
          const profile = profiles.find((each) => each.name === name);
          if (profile === undefined || name === "environment") return "the environment";
          return profile.secretsIn === "keyring" ? "the system's keyring" : `a private file in ${userFolder(context)}`;
        }
      }),
    );
};

const HELP = `
Gets an access token when none is at hand; a sign-in that gives none any more is an error then: exit code 6. A token that
is at hand, or was given with ZOHO_ACCESS_TOKEN, is not tried here: any other command tries it.
`;
