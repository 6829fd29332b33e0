import type { Context } from "../context.ts";
import { usageError } from "../core/errors.ts";

/** Asks before something that cannot be taken back. Without a terminal only `--yes` is an answer. */
export async function confirm(context: Context, question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes === true) return true;
  const prompts = await context.prompts();
  if (prompts === undefined) {
    throw usageError(`the question ${JSON.stringify(question)} needs an answer, and there is no terminal`, "add --yes");
  }
  return prompts.confirm({ message: question });
}
