import { UserError } from "../../util/errors.ts";
import type { Sleep } from "../../util/timing.ts";
import type { ApiReply, ApiRequest, ZohoApi } from "../api.ts";
import type { RequestedDeletions } from "../collection.ts";
import { faultError, isRefusal, readFault, replyError } from "../errors.ts";
import { requireOperation } from "./index.ts";
import type { ManagedProduct, Organisation, Webhook, WebhookCall, WebhookConfig } from "./managed-product.ts";

/** What deleting came to, by reading the list again afterwards. */
interface WebhookDeletion {
  readonly deleted: readonly Webhook[];
  /** Not there before. */
  readonly unknown: readonly string[];
  readonly remaining: readonly { readonly id: string; readonly because: string }[];
}

/** The webhooks of one product in one organisation. */
export interface WebhookClient {
  list(): Promise<readonly Webhook[]>;
  /** Resolves to the id of the new webhook. */
  create(config: WebhookConfig): Promise<string>;
  /** Makes a workflow rule call it, where a webhook alone never fires. */
  addRule(webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string): Promise<void>;
  remove(ids: readonly string[], asked: RequestedDeletions): Promise<WebhookDeletion>;
}

interface ClientOptions {
  readonly api: ZohoApi;
  readonly product: ManagedProduct;
  /** Undefined where the product's calls do without. */
  readonly organisation: string | undefined;
  readonly signal: AbortSignal;
  readonly sleep: Sleep;
}

/** A list that never ends is a fault of Zoho's, not a reason to ask for ever. */
const MOST_PAGES = 200;

export function webhookClient({ api, product, organisation, signal, sleep }: ClientOptions): WebhookClient {
  let called = false;
  const send = async (call: WebhookCall, onSend?: () => void): Promise<ApiReply> => {
    if (called && product.pauseMs !== undefined) await sleep(product.pauseMs, signal);
    signal.throwIfAborted();
    called = true;
    onSend?.();
    const reply = await api.call({ ...requestFor(product, call, organisation), signal });
    const fault = readFault(reply.body);
    if (fault !== undefined) throw faultError(fault, reply.status, reply.call);
    if (reply.status >= 300) throw replyError(reply, reply.call);
    return reply;
  };
  const list = async (): Promise<readonly Webhook[]> => {
    const endpoint = requireOperation(product, "list");
    const found: Webhook[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const reply = await send(endpoint.call(page));
      const read = endpoint.read(reply.body);
      if (read === undefined) throw replyError(reply, reply.call);
      found.push(...read.webhooks);
      if (!read.more) return found;
    }
    throw new UserError("zohoApi", `Zoho's list of webhooks does not end after ${MOST_PAGES} pages`, "try again later");
  };

  return {
    list,
    async create(config) {
      const endpoint = requireOperation(product, "create");
      const id = endpoint.read((await send(endpoint.call(config))).body);
      if (id !== undefined) return id;
      throw new UserError(
        "zohoApi",
        `${product.title}'s answer does not say which webhook it has made`,
        `see what is there: zoho-hooks webhooks list --product ${product.id}`,
        "no_result",
      );
    },
    async addRule(webhook, kind) {
      if (product.rules === undefined) throw new Error(`${product.id} has no rules`);
      await send(product.rules.call(webhook, kind));
    },
    async remove(ids, { confirmed, unanswered }) {
      const endpoint = requireOperation(product, "remove");
      const before = new Map((await list()).map((each) => [each.id, each]));
      const because = new Map<string, string>();
      for (const id of ids.filter((each) => before.has(each))) {
        try {
          await send(endpoint.call(id), () => unanswered.add(id));
          unanswered.delete(id);
          confirmed.add(id);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          if (isRefusal(error)) unanswered.delete(id);
          because.set(id, error.message);
        }
      }
      const left = new Set((await list()).map((each) => each.id));
      return {
        deleted: ids.flatMap((id) => (left.has(id) ? [] : (before.get(id) ?? []))),
        unknown: ids.filter((id) => !before.has(id)),
        remaining: ids
          .filter((id) => left.has(id))
          .map((id) => ({ id, because: because.get(id) ?? "Zoho still lists it" })),
      };
    },
  };
}

/** A call with the organisation where the product wants it. */
export function requestFor(
  product: ManagedProduct,
  { operation, ...call }: WebhookCall,
  organisation: string | undefined,
): ApiRequest {
  const request = { ...call, scope: product.scopeFor(operation) };
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

/** The organisations that the sign-in can see; none where the product's calls do without. */
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
