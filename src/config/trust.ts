import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { targetUrl } from "../body/target-url.ts";
import type { Context } from "../context.ts";
import { parseRoute } from "../core/event-names.ts";
import { maskSetting } from "../core/mask.ts";
import { type UserError, usageError } from "../util/errors.ts";
import { isFolder, readPrivateJson, writePrivateJson } from "../util/files.ts";
import { isLocalUrl, isSafeWithoutTls } from "../util/hosts.ts";
import { isAbove, leadsOut } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import { ENV_FILE } from "./environment.ts";
import { type Config, loadConfig, userFolder } from "./load.ts";
import { MODULE_EXTENSIONS } from "./own/schema-file.ts";
import { CREDENTIAL_VARIABLES, KEYS_FOLDER, namesFile } from "./secrets.ts";
import { CONFIG_FILE, defaults, PROJECT_FOLDER, type Settings } from "./settings.ts";

/**
 * A folder may be a stranger's. What its files set for this machine alone is used at once; what reaches further, only once the
 * user trusts the folder. From then on its files are the user's own. Flags, the environment and the user's own config file
 * need no trust.
 */
export async function requireTrust(context: Context): Promise<void> {
  const config = loadConfig(context, { onFault() {} });
  const open = await openDecisions(context, config);
  if (open.length === 0) return;
  const folder = oneLine(config.root);
  const prompts = await context.prompts();
  if (prompts !== undefined) {
    context.report({ type: "notice", message: `${folder} is not trusted, and its files decide: ${open.join("; ")}` });
    if (await prompts.confirm({ message: "Trust the files of this folder from now on?" }))
      return trust(context, config.root, open);
  }
  throw notTrusted(context, config, open);
}

/** Where nobody can be asked, or the answer was no. */
export function notTrusted({ invocation }: Context, { root }: Config, open: readonly string[]): UserError {
  return usageError(
    `${oneLine(root)} is not trusted, and its files decide: ${open.join("; ")}`,
    `if you trust who wrote them: ${invocation} trust; in a container or a script, set ZOHO_HOOKS_TRUST=1`,
  );
}

/** What the files of the project decide, and the user does not trust them to. */
export async function openDecisions(context: Context, config: Config): Promise<readonly string[]> {
  // Set by the user alone: a `.env` sets neither. Who runs a repository's code in CI trusts it already.
  if (/^(?:1|true)$/i.test(context.env.ZOHO_HOOKS_TRUST ?? context.env.CI ?? "")) return [];
  const folders = await readTrusted(context);
  const place = realpathSync(config.root);
  if (Object.entries(folders).some(([folder, what]) => what === ALL && !isAbove(folder, place))) return [];
  const trusted = folders[place];
  return decisionsOf(config, trusted !== undefined).filter((each) => trusted?.includes(each) !== true);
}

/** What a folder's files decide beyond this machine, for people and to be remembered; without values of secrets. */
export function decisionsOf(config: Config, isKnown = true): readonly string[] {
  const { root, settings, env, ofProject } = config;
  const reaching = (Object.keys(REACHES) as (keyof Settings)[]).flatMap((key) =>
    ofProject(key)
      ? (REACHES[key]?.(settings, root) ?? []).map((text) => `${key} ${oneLine(maskSetting(text))}`.trim())
      : [],
  );
  const variables = Object.keys(env).flatMap((name) => {
    if (!VARIABLES.test(name) || !ofProject(name)) return [];
    return SHOWN.test(name) ? `${name}=${oneLine(env[name] ?? "")}` : name;
  });
  const keys = Object.values(CREDENTIAL_VARIABLES).flatMap((variable) =>
    Object.keys(env)
      .filter((name) => {
        const value = env[name] ?? "";
        if (!name.startsWith(variable) || !ofProject(name)) return false;
        return /^https?:/.test(value) || (namesFile(value) && leadsOut(root, resolve(root, value)));
      })
      .map((name) => `${name}=${oneLine(env[name] ?? "")}`),
  );
  const links = [CONFIG_FILE, ENV_FILE, PROJECT_FOLDER].filter((name) => leadsOut(root, join(root, name)));
  const brought = isKnown
    ? []
    : [join(PROJECT_FOLDER, "events.db"), KEYS_FOLDER].filter((name) => existsSync(join(root, name)));
  return [
    ...reaching,
    ...variables,
    ...keys,
    ...links.map((name) => `${name} is a link out of the folder`),
    ...brought.map((name) => `${name} is there already`),
  ];
}

/** The settings that reach beyond this machine or folder, and their values that do. */
const REACHES: { readonly [K in keyof Settings]?: (settings: Settings, root: string) => readonly string[] } = {
  host: ({ host }) => (host === "::1" || isSafeWithoutTls(host) ? [] : [host]),
  forwardTo: ({ forwardTo }) => remote(forwardTo),
  routes: ({ routes }) => remote(routes.map((text) => parseRoute(text, "routes").target)),
  insecure: ({ insecure }) => (insecure ? [""] : []),
  store: ({ store }, root) =>
    typeof store === "string" && (store.includes("://") || leadsOut(root, resolve(root, store))) ? [store] : [],
  publicUrl: ({ publicUrl }) => [publicUrl ?? ""],
  ngrokServerAddr: ({ ngrokServerAddr }) => [ngrokServerAddr ?? ""],
  ngrokRootCas: ({ ngrokRootCas }) => [ngrokRootCas ?? ""],
  products: ({ products }, root) =>
    Object.values(products)
      .flatMap(({ path, schema }) => [path ?? [], schema ?? []].flat())
      .flatMap((file) => {
        const place = resolve(root, file);
        if (leadsOut(root, place)) return [`${file}, outside the folder`];
        return hasCode(place) ? [`${file}, which is code`] : [];
      }),
};

/** Whether a schema or product folder may run code. */
function hasCode(place: string): boolean {
  const names = isFolder(place) ? readdirSync(place, { recursive: true, encoding: "utf8" }) : [place];
  return names.some((name) => MODULE_EXTENSIONS.some((extension) => name.endsWith(extension)));
}

/** Variables of a `.env` that choose an account, a host or a program. Secrets of webhooks and the settings above are not among them. */
const VARIABLES =
  /^(?:NGROK_AUTHTOKEN|ZOHO_(?:CLIENT_ID|CLIENT_SECRET|REFRESH_TOKEN|ACCESS_TOKEN|DC|ENVIRONMENT|PROFILE|ACCOUNTS_URL|API_URL)|(?:https?|all|no)_proxy|EDITOR|VISUAL)$/i;
const SHOWN = /_(?:DC|ENVIRONMENT|PROFILE|URL)$/;

function remote(targets: readonly string[]): readonly string[] {
  const urls = targets.map((target) => targetUrl(target, "crm", { host: "localhost", port: defaults.port }));
  return urls.filter((url) => !isLocalUrl(url)).map((url) => new URL(url).href.replace(/(\w\/)\w.*$/, "$1"));
}

/** Everything that the folder and those below it decide. */
export const ALL = "all";

/** Remembers that a folder may decide this, beside what it may already. */
export async function trust(context: Context, root: string, decisions: readonly string[] | typeof ALL): Promise<void> {
  const place = realpathSync(root);
  const folders = await readTrusted(context);
  const before = folders[place] ?? [];
  const now = decisions === ALL || before === ALL ? ALL : [...new Set([...before, ...decisions])];
  await writePrivateJson(trustFile(context), { ...folders, [place]: now });
}

/** Forgets a folder. */
export async function distrust(context: Context, root: string): Promise<void> {
  const { [realpathSync(root)]: _, ...others } = await readTrusted(context);
  await writePrivateJson(trustFile(context), others);
}

type Trusted = Readonly<Record<string, readonly string[] | typeof ALL>>;

/** A damaged file trusts nothing. */
export async function readTrusted(context: Context): Promise<Trusted> {
  const file = z.record(z.string(), z.union([z.array(z.string()), z.literal(ALL)]));
  return file.safeParse(await readPrivateJson(trustFile(context)).catch(() => undefined)).data ?? {};
}

function trustFile(context: Context): string {
  return join(userFolder(context), "trusted-folders.json");
}
