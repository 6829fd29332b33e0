import { isSuccess } from "../../body/delivery.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import type { Receipt } from "../../core/receive.ts";
import { answerRuleOf } from "../../core/reply.ts";
import { usageError } from "../../util/errors.ts";
import type { SignIn } from "../../zoho/auth/sign-in.ts";

/** Some hints quote what was received: a stranger who sends ever new names must not fill the memory or the screen. */
const MAX_HINTS = 100;

/**
 * Reports once per run: each hint of a receipt, each signature or token that has no key to verify it with, and what a sender
 * does after a refusal. `below`: whether the notice belongs below a line of `listen` about the delivery.
 */
export function reportHintsOnce(
  context: Context,
  products: readonly Product[],
  { below }: { readonly below?: true } = {},
): (receipt: Receipt, status?: number) => void {
  const reported = new Set<string>();
  const hints = new Set<string>();
  const once = (key: string, message: string, seen = reported): void => {
    if (seen.has(key)) return;
    seen.add(key);
    context.report({ type: "notice", message, ...(below === undefined ? {} : { below }) });
  };
  return ({ product = "", format, verdicts, hint }, status = 200) => {
    if (hint !== undefined && hints.size < MAX_HINTS) once(hint, `${product}: ${hint}`, hints);
    const endsBy = isSuccess(status) ? undefined : answerRuleOf(products, product, format).rule?.endsBy;
    if (endsBy !== undefined) once(endsBy, `${product}: its sender counts this as a failure, and ${endsBy}`);
    for (const { id, verdict, reason } of verdicts)
      if (verdict === "unconfigured") once(`${product} ${format} ${id}`, `${product}: ${id} not verified: ${reason}`);
  };
}

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
