import { MAX_TOKEN_LENGTH, type WatchProduct } from "../../channels/watch-products.ts";
import type { Secret } from "../../delivery/secrets.ts";
import type { Context } from "../../project/context.ts";
import { givenSecrets } from "../../project/given-secrets.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import type { ZohoOptions } from "../../zoho-api/session.ts";

/** Options of `create`. */
export interface ChannelOptions extends ZohoOptions {
  readonly id?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly expires?: string;
  readonly fields?: readonly string[];
  readonly related?: boolean;
  readonly values?: boolean;
  readonly dryRun?: boolean;
}

/** The token of `--token-file`, else the configured one. */
export async function tokenFrom(
  context: Context,
  { tokenFile }: ChannelOptions,
  configured?: Secret,
): Promise<string | undefined> {
  const token = tokenFile === undefined ? configured : (await givenSecrets(context, { tokenFile })).token;
  const value = token?.reveal().trim();
  if (token !== undefined && value !== undefined && value.length > MAX_TOKEN_LENGTH) {
    throw usageError(
      `the token of ${token.origin} has ${value.length} characters, and Zoho accepts at most ${MAX_TOKEN_LENGTH}`,
      "choose a shorter one, or give the channel its own with --token-file",
    );
  }
  return value;
}

/** Rejects what the product's API does not document, before anything is sent. */
export function rejectUnknownOptions(product: WatchProduct, { values, related, fields }: ChannelOptions): void {
  const [flag] = Object.entries({ values, related, fields }).find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined || product.hasOptions) return;
  throw usageError(`${product.title} does not document --${flag}`, `leave --${flag} out`);
}

/** Options of what deletes channels. */
export interface DeletionOptions extends ZohoOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function unchanged(context: Context): ExitCode {
  context.report({ type: "notice", message: "nothing was changed" });
  return ExitCode.ok;
}
