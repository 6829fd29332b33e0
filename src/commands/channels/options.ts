import { MAX_TOKEN_LENGTH, type WatchProduct } from "../../channels/watch-products.ts";
import type { Secret } from "../../delivery/secrets.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import type { ZohoOptions } from "../../zoho-api/session.ts";
import type { CommandContext } from "../command.ts";

/** Options of `create`. */
export interface ChannelOptions extends ZohoOptions {
  readonly id?: string;
  readonly url?: string;
  readonly expires?: string;
  readonly fields?: readonly string[];
  readonly related?: boolean;
  readonly values?: boolean;
  readonly dryRun?: boolean;
}

/** Throws a usage error for a token that Zoho does not accept. */
export function tokenOf({ origin, reveal }: Secret, product: WatchProduct): string {
  const value = reveal().trim();
  if (value.length <= MAX_TOKEN_LENGTH) return value;
  throw usageError(
    `the token of ${origin} has ${value.length} characters, and Zoho accepts at most ${MAX_TOKEN_LENGTH}`,
    `choose a shorter one, or set ZOHO_WEBHOOK_TOKEN_${product.id.toUpperCase()} to one for this product`,
  );
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

export function unchanged(context: CommandContext): ExitCode {
  context.report({ type: "notice", message: "nothing was changed" });
  return ExitCode.ok;
}
