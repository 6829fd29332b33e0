import { maskUrl } from "../delivery/mask.ts";
import { valueAt } from "../delivery/payload.ts";
import type { Config } from "../project/load.ts";
import { UserError, usageError } from "../util/errors.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { type ApiReply, type ApiRequest, type ZohoApi, zohoApi } from "../zoho-api/api.ts";
import { deleteAndConfirm, type RequestedDeletions, readAllPages } from "../zoho-api/collection.ts";
import { signInFromEnv } from "../zoho-api/env-sign-in.ts";
import { readFault, replyError } from "../zoho-api/errors.ts";
import { zohoHttp } from "../zoho-api/http.ts";
import type { ZohoHttp } from "../zoho-api/retrying-http.ts";
import { centreFromEnv, chosenProfile, openSignIn, showRequest, type ZohoOptions } from "../zoho-api/session.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";
import type { WebhookContext, WebhookLine } from "./lines.ts";
import { idText, type ManagedProduct, onlyOne, type Webhook, type WebhookConfig, withIds } from "./product-api.ts";

export interface WebhookOptions extends ZohoOptions {
  readonly org?: string;
  readonly dryRun?: boolean;
}

/** Access to the webhooks of one product in one organisation. */
export type WebhookSession = ReturnType<typeof webhookSession>;

/** Runs work with a session, and closes the session. `dryRun` needs no sign-in, because nothing is sent. */
export async function withWebhooks<T>(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  options: WebhookOptions,
  work: (session: WebhookSession) => Promise<T>,
): Promise<T> {
  const session = await openWebhooks(context, config, product, options);
  try {
    return await work(session);
  } finally {
    await session.http.close();
  }
}

/** Opens a session. The caller closes its `http`. `howToChoose`: one of several organisations, for who must. */
export async function openWebhooks(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  options: WebhookOptions,
  howToChoose = "choose one with --org",
): Promise<WebhookSession> {
  const { profile, dryRun = false } = options;
  const org = options.org?.trim();
  if (org !== undefined && !/^\d{1,19}$/.test(org))
    throw usageError(`--org: ${JSON.stringify(org)} is not an organisation id`, "an id has up to 19 digits");
  const signIn = await openSignIn(context, config, profile).catch((error: unknown) => {
    const isSignedOut = error instanceof UserError && error.code === "not_signed_in";
    if (dryRun && isSignedOut && chosenProfile(config, profile) === undefined)
      return placeholderSignIn(context, config);
    throw error;
  });
  const http = zohoHttp(context, config);
  const api = zohoApi({ http, tokens: accessTokens(context, signIn, http), signIn, product, now: context.now });
  return webhookSession(context, api, { config, product, signIn, http, org, profile, howToChoose });
}

function webhookSession(
  context: WebhookContext,
  api: ZohoApi,
  given: {
    config: Config;
    product: ManagedProduct;
    signIn: SignIn;
    http: ZohoHttp;
    org: string | undefined;
    profile: string | undefined;
    howToChoose: string;
  },
) {
  const { product, org, profile, howToChoose } = given;
  let found = org;
  const flags = Object.entries({ product: product.id, org, profile }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellQuoted(value)}`],
  );
  return {
    ...given,
    /** A command for the user to copy: `zoho-hooks webhooks list --product books`. */
    command: (words: string): string => [context.invocation, "webhooks", words, ...flags].join(" "),
    /** Asks Zoho for the organisation first, once, unless `--org` names it. */
    async client(signal = context.signal) {
      found ??= await findOrganisation(signal, api, product, howToChoose);
      return webhookClient({ signal, sleep: context.sleep }, api, product, found);
    },
    /** Shows requests to Zoho, with their secrets masked, instead of sending them. */
    show(build: (requests: WebhookRequests) => readonly ApiRequest[]): void {
      // Only a request could find the organisation.
      const requests = webhookRequests(product, org ?? (product.organisation.list && "yours"));
      for (const request of build(requests)) showRequest(context, { api }, request);
    },
  };
}

/** Stands for a sign-in in requests that are only shown. */
async function placeholderSignIn(context: WebhookContext, config: Config): Promise<SignIn> {
  const centre = await centreFromEnv(context, config);
  const message = `not signed in: the request is shown for the data centre ${centre.id}; ZOHO_DC names another one`;
  context.report({ type: "notice", message });
  return signInFromEnv(config.env, centre);
}

/** Undefined if the product's API needs no organisation. */
async function findOrganisation(
  signal: AbortSignal,
  api: ZohoApi,
  { title, organisation: { list } }: ManagedProduct,
  howToChoose: string,
): Promise<string | undefined> {
  if (list === undefined) return undefined;
  const { path, scope } = list;
  const reply = await api.call({ method: "GET", path, repeatable: true, action: "list organisations", scope, signal });
  if (readFault(reply.body) !== undefined) throw replyError(reply, reply.call);
  return onlyOne(list.read(reply.body), `${title} organisation`, "a user of the organisation", howToChoose);
}

/** The webhooks of one product in one organisation. */
export type WebhookClient = ReturnType<typeof webhookClient>;

type WebhookRequests = ReturnType<typeof webhookRequests>;

/** Requests to a product's API, which name the organisation where the product expects it. */
function webhookRequests(product: ManagedProduct, organisation: string | undefined) {
  const { path, rules } = product;
  const { place } = product.organisation;
  const request = (
    method: ApiRequest["method"],
    operation: Parameters<ManagedProduct["scopeFor"]>[0],
    call: Pick<ApiRequest, "path" | "action" | "json" | "multipart">,
  ): ApiRequest => {
    const scope = product.scopeFor(operation);
    const all = { method, scope, repeatable: method !== "POST", ...call };
    if (organisation === undefined) return all;
    const named = { [place.name]: organisation };
    switch (place.in) {
      case "header":
        return { ...all, headers: named };
      case "query":
        return { ...all, path: `${call.path}${call.path.includes("?") ? "&" : "?"}${new URLSearchParams(named)}` };
      case "form":
        return call.multipart === undefined ? all : { ...all, multipart: { ...call.multipart, ...named } };
    }
  };
  return {
    list: (page: number) =>
      request("GET", "READ", { path: `${path}${product.listQuery?.(page) ?? ""}`, action: "list webhooks" }),
    create: (config: WebhookConfig) =>
      request("POST", "CREATE", { path, action: "create the webhook", ...product.body(config) }),
    remove: (id: string) => request("DELETE", "DELETE", { path: `${path}/${id}`, action: `delete webhook ${id}` }),
    /** Requests to create the workflow rule that calls a webhook; none for a product without rules. */
    addRule: (webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string) =>
      rules &&
      request("POST", "CREATE", {
        path: rules.path,
        action: `create a workflow rule that calls webhook ${oneLine(webhook.id)}`,
        json: JSON.stringify(rules.body(webhook, kind)),
      }),
  };
}

/** `organisation` undefined: the product's calls do not need one. */
function webhookClient(
  { signal, sleep }: Pick<WebhookContext, "signal" | "sleep">,
  api: ZohoApi,
  product: ManagedProduct,
  organisation: string | undefined,
) {
  const requests = webhookRequests(product, organisation);
  let hasCalled = false;
  const send = async (request: ApiRequest, onSend?: () => void): Promise<ApiReply> => {
    if (hasCalled && product.pauseMs !== undefined) await sleep(product.pauseMs, signal);
    signal.throwIfAborted();
    hasCalled = true;
    onSend?.();
    const reply = await api.call({ ...request, signal });
    if (readFault(reply.body) !== undefined || reply.status >= 300) throw replyError(reply, reply.call);
    return reply;
  };
  const list = ({ isPoll = false } = {}): Promise<readonly Webhook[]> =>
    readAllPages("webhooks", async (page) => {
      const reply = await send({ ...requests.list(page), isPoll });
      const rows = product.rows(reply.body);
      if (rows === undefined) throw replyError(reply, reply.call);
      const more = product.hasMore?.(reply.body, rows) === true;
      return { items: withIds(rows, product.idName, product.webhook), more };
    });

  return {
    list,
    /** Resolves to the id of the new webhook. */
    async create(config: WebhookConfig): Promise<string> {
      const id = idText(valueAt((await send(requests.create(config))).body, product.newId));
      if (id !== undefined) return id;
      throw new UserError(
        "zohoApi",
        `${product.title} did not return the id of the new webhook`,
        `see what exists: zoho-hooks webhooks list --product ${product.id}`,
        "no_result",
      );
    },
    async addRule(...webhook: Parameters<WebhookRequests["addRule"]>): Promise<void> {
      const request = requests.addRule(...webhook);
      if (request !== undefined) await send(request);
    },
    async remove(ids: readonly string[], requested: RequestedDeletions) {
      const before = new Map((await list()).map((each) => [each.id, each]));
      const existing = ids.filter((id) => before.has(id));
      const { deleted, unknown, remaining } = await deleteAndConfirm(existing, requested, {
        batchSize: 1,
        send: async ([id = ""], onSend) => [{ id, error: await failureOf(send(requests.remove(id), onSend)) }],
        listIds: async () => (await list()).map(({ id }) => id),
      });
      return {
        deleted: deleted.flatMap((id) => before.get(id) ?? []),
        unknown: [...ids.filter((id) => !before.has(id)), ...unknown],
        remaining,
      };
    },
  };
}

/** The error with which work fails. Throws what is not for the user, such as an interruption. */
export function failureOf(work: Promise<unknown>): Promise<UserError | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof UserError) return error;
      throw error;
    },
  );
}

export function webhookLine(
  state: "listed" | "created",
  product: ManagedProduct,
  { id, ...webhook }: Webhook & { readonly secret?: string | undefined },
  reason?: string,
): WebhookLine {
  const url = webhook.url === undefined ? undefined : maskUrl(webhook.url);
  return {
    type: "webhook",
    state,
    product: product.id,
    id,
    name: webhook.name ?? null,
    url: url ?? null,
    events: webhook.events,
    enabled: webhook.enabled ?? null,
    rules: webhook.rules ?? null,
    secret: webhook.secret ?? null,
    reason,
  };
}

/** Undefined rules are unknown, which is not the same as none. */
export function isUnused({ rules }: Webhook): boolean {
  return rules?.length === 0;
}

export function warnOfUnused(
  context: WebhookContext,
  { product, command }: WebhookSession,
  webhooks: readonly Webhook[],
) {
  for (const { id, name } of webhooks.filter(isUnused)) {
    context.report({
      type: "warning",
      message: `webhook ${oneLine(id)}${name === undefined ? "" : ` (${oneLine(name)})`} never fires, because no workflow rule calls it`,
      hint: `give it a rule in ${product.title}'s settings, or delete it: ${command(deletion(id))}`,
    });
  }
}

/** Arguments of the command that deletes a webhook, for the user to copy. The id comes from Zoho, so it is quoted. */
export function deletion(id: string): string {
  return `delete ${shellQuoted(oneLine(id))}`;
}
