import type { Command } from "commander";
import type { ChannelConfig } from "../../channels/channel.ts";
import { fieldCondition } from "../../channels/conditions.ts";
import { MAX_TOKEN_LENGTH, type WatchProduct } from "../../channels/products.ts";
import type { ZohoSession } from "../../channels/session.ts";
import type { Secret } from "../../delivery/secret.ts";
import type { Context } from "../../project/context.ts";
import { givenSecrets } from "../../project/given-secrets.ts";
import type { Config } from "../../project/load.ts";
import { usageError } from "../../util/errors.ts";
import { collect } from "../flags/index.ts";

/** Options of a channel, beside its id and events. */
export interface ChannelOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly expires?: string;
  readonly fields?: readonly string[];
  readonly related?: boolean;
  readonly values?: boolean;
}

export function addChannelOptions(command: Command, url = "the URL that Zoho posts to"): Command {
  return command
    .option("--url <url>", url)
    .option("--token-file <path>", "read the channel's token from a file, - for standard input")
    .option("--expires <time>", "when it expires, as a duration or a time: 24h, 6d23h, 2026-01-02T03:04:05+00:00")
    .option(
      "--fields <[module:]a,b>",
      "report an edit only if one of these fields has changed (repeatable, once per module)",
      collect,
    )
    .option(
      "--related",
      "also report changes to related records (Zoho's default; off here, because there are very many)",
    )
    .option("--values", "include the changed values");
}

export async function tokenFrom(
  context: Context,
  { tokenFile }: Pick<ChannelOptions, "tokenFile">,
): Promise<string | undefined> {
  if (tokenFile === undefined) return undefined;
  const { token } = await givenSecrets(context, { tokenFile });
  return token && channelToken(token);
}

/** The token of ZOHO_WEBHOOK_TOKEN, or of the product's own variable. */
export function configuredToken({ secrets }: Pick<Config, "secrets">, product: string): string | undefined {
  const [token] = secrets.for("token", product);
  return token && channelToken(token);
}

function channelToken({ reveal, origin }: Secret): string {
  const value = reveal().trim();
  if (value.length > MAX_TOKEN_LENGTH) {
    throw usageError(
      `the token of ${origin} has ${value.length} characters, and Zoho accepts at most ${MAX_TOKEN_LENGTH}`,
      "choose a shorter one, or give the channel its own with --token-file",
    );
  }
  return value;
}

/** Rejects what the product's API does not document, before anything is sent. */
export function rejectUnknownOptions(
  product: WatchProduct,
  options: Pick<ChannelOptions, "values" | "related"> & { readonly fields?: readonly string[] | false },
): void {
  const given = { values: options.values, related: options.related, conditions: options.fields };
  for (const [name, flag] of [
    ["values", "--values"],
    ["related", "--related"],
    ["conditions", "--fields"],
  ] as const) {
    if (given[name] !== undefined && !product.options[name]) {
      throw usageError(`${product.title} does not document ${flag}`, `leave ${flag} out`);
    }
  }
}

/** `Deals:Stage,Amount`, or without the module if the events are of one module only. */
export async function conditionsFrom(
  session: ZohoSession,
  context: Context,
  fields: readonly string[] | undefined,
  events: ChannelConfig["events"],
): Promise<readonly unknown[]> {
  const modules = [...new Set(events.map((event) => event.split(".")[0] ?? ""))];
  const conditions: unknown[] = [];
  const named = new Set<string>();
  for (const text of fields ?? []) {
    const at = text.indexOf(":");
    const module = at === -1 ? (modules.length === 1 ? modules[0] : undefined) : text.slice(0, at);
    if (module === undefined) {
      throw usageError(`--fields ${text} does not name its module`, `write --fields ${modules[0]}:${text}`);
    }
    if (!modules.some((each) => each.toLowerCase() === module.toLowerCase())) {
      throw usageError(`--fields ${text}: the channel watches no event of ${module}`, `modules: ${modules.join(", ")}`);
    }
    if (named.has(module.toLowerCase())) {
      throw usageError(
        `--fields ${text}: fields of ${module} are already given`,
        "give all fields of a module in one --fields",
      );
    }
    named.add(module.toLowerCase());
    const names = text
      .slice(at + 1)
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    conditions.push(await fieldCondition(session.api, session.product, module, names, context.signal));
  }
  return conditions;
}
