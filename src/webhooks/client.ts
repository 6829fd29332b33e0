import { UserError } from "../util/errors.ts";
import type { Sleep } from "../util/timing.ts";
import type { ApiReply, ApiRequest, ZohoApi } from "../zoho-api/api.ts";
import { deleteAndConfirm, type RequestedDeletions } from "../zoho-api/collection.ts";
import { faultError, readFault, replyError } from "../zoho-api/errors.ts";
import { readAllPages } from "../zoho-api/pages.ts";
import { requireOperation } from "./index.ts";
import type { ManagedProduct, Organisation, Webhook, WebhookCall, WebhookConfig } from "./managed-product.ts";

/** The webhooks of one product in one organisation. */
export type WebhookClient = ReturnType<typeof webhookClient>;

interface ClientOptions {
  readonly api: ZohoApi;
  readonly product: ManagedProduct;
  /** Undefined if the product's calls do not need one. */
  readonly organisation: string | undefined;
  readonly signal: AbortSignal;
  readonly sleep: Sleep;
}

export function webhookClient({ api, product, organisation, signal, sleep }: ClientOptions) {
  let hasCalled = false;
  const send = async (call: WebhookCall, onSend?: () => void): Promise<ApiReply> => {
    if (hasCalled && product.pauseMs !== undefined) await sleep(product.pauseMs, signal);
    signal.throwIfAborted();
    hasCalled = true;
    onSend?.();
    const reply = await api.call({ ...requestFor(product, call, organisation), signal });
    const fault = readFault(reply.body);
    if (fault !== undefined) throw faultError(fault, reply.status, reply.call);
    if (reply.status >= 300) throw replyError(reply, reply.call);
    return reply;
  };
  const list = (): Promise<readonly Webhook[]> => {
    const endpoint = requireOperation(product, "list");
    return readAllPages("webhooks", async (page) => {
      const reply = await send(endpoint.call(page));
      const read = endpoint.read(reply.body);
      if (read === undefined) throw replyError(reply, reply.call);
      return read;
    });
  };

  return {
    list,
    /** Resolves to the id of the new webhook. */
    async create(config: WebhookConfig): Promise<string> {
      const endpoint = requireOperation(product, "create");
      const id = endpoint.read((await send(endpoint.call(config))).body);
      if (id !== undefined) return id;
      throw new UserError(
        "zohoApi",
        `${product.title} did not return the id of the new webhook`,
        `see what exists: zoho-hooks webhooks list --product ${product.id}`,
        "no_result",
      );
    },
    /** Creates a workflow rule that calls it, for products whose webhooks never fire alone. */
    async addRule(webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string): Promise<void> {
      if (product.rules === undefined) throw new Error(`${product.id} has no rules`);
      await send(product.rules.call(webhook, kind));
    },
    async remove(ids: readonly string[], requested: RequestedDeletions) {
      const endpoint = requireOperation(product, "remove");
      const before = new Map((await list()).map((each) => [each.id, each]));
      const existing = ids.filter((id) => before.has(id));
      const { deleted, unknown, remaining } = await deleteAndConfirm(existing, requested, {
        batchSize: 1,
        async send([id = ""], onSend) {
          try {
            await send(endpoint.call(id), onSend);
            return [{ id }];
          } catch (error) {
            if (error instanceof UserError) return [{ id, error }];
            throw error;
          }
        },
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

/** Adds the scope, and the organisation where the product expects it. */
export function requestFor(
  product: ManagedProduct,
  { operation, ...call }: WebhookCall,
  organisation: string | undefined,
): ApiRequest {
  const request = { ...call, scope: product.scopeNamedInErrors(operation) };
  const { place } = product.organisation;
  if (organisation === undefined) return request;
  if ("header" in place) return { ...request, headers: { [place.header]: organisation } };
  if ("query" in place) {
    const mark = request.path.includes("?") ? "&" : "?";
    return { ...request, path: `${request.path}${mark}${place.query}=${encodeURIComponent(organisation)}` };
  }
  const { multipart } = request;
  return multipart === undefined ? request : { ...request, multipart: { ...multipart, [place.field]: organisation } };
}

/** The organisations that the sign-in can see; undefined if the product's calls do not need one. */
export async function findOrganisations(
  api: ZohoApi,
  product: ManagedProduct,
  signal: AbortSignal,
): Promise<readonly Organisation[] | undefined> {
  const { discover } = product.organisation;
  if (discover === undefined) return undefined;
  const reply = await api.call({
    method: "GET",
    path: discover.path,
    repeatable: true,
    action: "list organisations",
    scope: discover.scope,
    signal,
  });
  const fault = readFault(reply.body);
  if (fault !== undefined) throw faultError(fault, reply.status, reply.call);
  return discover.read(reply.body);
}
