import type { Context } from "../project/context.ts";
import { type Config, loadConfig, userFolder } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { chosenProfile, openSignIn, openStore, sessionTokens, zohoHttp } from "../zoho-api/session.ts";
import { hasEnvSignIn } from "../zoho-api/sign-in.ts";
import type { Define } from "./command.ts";

interface WhoamiOptions {
  readonly profile?: string;
  readonly all?: boolean;
}

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
      act(async (context, options: WhoamiOptions) => {
        const config = loadConfig(context);
        if (options.all === true) return listProfiles(context, config, options.profile);
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
            secretsIn: await secretsIn(context, config, signIn.name),
            tokenExpiresAt: token.expiresAt,
          });
          return ExitCode.ok;
        } finally {
          await http.close();
        }
      }),
    );
};

const HELP = `
Asks Zoho for an access token unless there is a valid one. If Zoho refuses, the sign-in no longer works: exit code 6. An
access token that is stored here, or set with ZOHO_ACCESS_TOKEN, is not tried.`;

async function secretsIn(context: Context, config: Config, name: string): Promise<string> {
  const { profiles } = await openStore(context, config).profiles();
  const profile = profiles.find((each) => each.name === name);
  if (profile === undefined || name === "environment") return "the environment";
  return profile.secretsIn === "keyring" ? "the system's keyring" : `a private file in ${userFolder(context)}`;
}

/** Marks the profile that commands use. */
async function listProfiles(context: Context, config: Config, flag: string | undefined): Promise<ExitCode> {
  if (flag !== undefined) throw usageError("--all and --profile exclude each other", "leave one of them out");
  const { profiles, current } = await openStore(context, config).profiles();
  const used = chosenProfile(config, flag) ?? (hasEnvSignIn(config.env) ? undefined : current);
  const rows = profiles.map(({ name, dataCentre, environment, scopes, secretsIn }) => ({
    type: "profile",
    name,
    used: name === used,
    data_centre: dataCentre,
    environment,
    scopes,
    secrets_in: secretsIn,
  }));
  if (rows.length === 0)
    context.report({ type: "notice", message: "no profiles on this machine: create one with zoho-hooks login" });
  else
    context.report({
      type: "table",
      columns: ["", "profile", "data centre", "environment"],
      rows: rows.map((row) => [row.used ? "→" : "", row.name, row.data_centre, row.environment]),
      json: rows,
      footer: "choose another with --profile or ZOHO_PROFILE",
    });
  return ExitCode.ok;
}
