import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { usageError } from "../util/errors.ts";
import type { SignIn } from "./sign-in.ts";

/** Asks before something at Zoho is deleted, and says in which account. Without a terminal only `--yes` answers. */
export async function confirm(
  context: Context,
  { config, signIn }: { readonly config: Config; readonly signIn: Pick<SignIn, "name"> },
  question: string,
  { yes, profile }: { readonly yes?: boolean; readonly profile?: string },
): Promise<boolean> {
  if (yes === true) return true;
  const prompts = await context.prompts();
  const by = profile !== undefined ? "--profile" : config.env.ZOHO_PROFILE?.trim() ? "ZOHO_PROFILE" : "the current one";
  const account = signIn.name === "environment" ? "the environment's variables" : `profile ${signIn.name} (${by})`;
  if (prompts !== undefined) return prompts.confirm({ message: `In the Zoho account of ${account}: ${question}` });
  throw usageError(`there is no terminal to ask ${JSON.stringify(question)}`, "add --yes");
}
