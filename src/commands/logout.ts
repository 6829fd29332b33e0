import { loadConfig, userFolder } from "../config/load.ts";
import { ExitCode, UserError } from "../core/errors.ts";
import { accessTokens } from "../zoho/access-token.ts";
import { revokeToken } from "../zoho/oauth.ts";
import type { Define } from "./command.ts";
import { openStore, zohoHttp } from "./zoho-session.ts";

interface LogoutOptions {
  readonly profile?: string;
  readonly local?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option("--profile <name>", "which sign-in (default: the current one)")
    .option("--local", "only forget it here: its tokens stay valid at Zoho")
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: LogoutOptions) => {
        const config = loadConfig(context);
        const store = openStore(context, config);
        const signIn = await store.open(options.profile);
        if (signIn.access.kind !== "refreshable") throw new Error("a profile has a refresh token");
        const { client, refreshToken } = signIn.access;
        const http = zohoHttp(context, config);
        try {
          if (options.local !== true) {
            try {
              await context.waiting("revoking the refresh token", () =>
                revokeToken(http, client.accountsUrl, refreshToken, context.signal),
              );
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
              const hint = `the profile is kept; ${context.invocation} logout --local --profile ${signIn.name} forgets it here anyway`;
              throw new UserError("credentials", error.message, `${error.hint ?? ""}; ${hint}`, error.code);
            }
          }
          await accessTokens({ signIn, folder: userFolder(context), http, now: context.now }).forget();
          await store.remove(signIn.name);
        } finally {
          await http.close();
        }
        context.report({
          type: "sign-in",
          state: "signed-out",
          profile: signIn.name,
          dataCentre: signIn.centre.id,
          environment: signIn.environment,
          accountsUrl: client.accountsUrl,
          apiUrl: signIn.hosts.apiUrl,
          clientId: client.clientId,
          scopes: signIn.scopes,
          secretsIn: "nowhere",
          tokenExpiresAt: undefined,
        });
        if (options.local === true) {
          context.report({
            type: "warning",
            message: "its refresh token is still valid at Zoho",
            hint: "remove the app among the connected apps of your Zoho account",
          });
        }
        return ExitCode.ok;
      }),
    );
};

const HELP = `
The refresh token is revoked at Zoho, which ends its access tokens too; only when Zoho confirms that is the profile
forgotten here. Exits with 6 when Zoho does not confirm.
`;
