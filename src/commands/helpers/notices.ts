import { isSuccess } from "../../body/delivery.ts";
import { rejectForeignLog } from "../../config/event-log.ts";
import type { Config } from "../../config/load.ts";
import { CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import type { Context } from "../../context.ts";
import { answerRuleOf } from "../../core/answer-rule.ts";
import { findProduct } from "../../core/event-names.ts";
import { MASK } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import type { Receipt } from "../../core/receive.ts";
import { lockOwnerAt } from "../../store/open-log.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import type { ApiRequest, ZohoApi } from "../../zoho/api.ts";
import { maskedBody } from "../../zoho/http.ts";

/** Some hints name what came: a stranger who sends ever new names would fill the memory and the screen. */
const MOST_HINTS = 100;

/**
 * Tells what a receipt hints at, what was not checked for want of a secret, and what its sender makes of a refusal, each once
 * a run. `below`: where a line of `listen` tells of each delivery.
 */
export function reportHintsOnce(
  context: Context,
  products: readonly Product[],
  { below }: { readonly below?: true } = {},
): (receipt: Receipt, status?: number) => void {
  const notice = (message: string): void =>
    context.report({ type: "notice", message, ...(below === undefined ? {} : { below }) });
  const told = new Set<string>();
  const hints = new Set<string>();
  const isNew = (what: string, seen = told): boolean => !seen.has(what) && seen.add(what).size > 0;
  return ({ product, format, verdicts, hint }, status = 200) => {
    if (hint !== undefined && hints.size < MOST_HINTS && isNew(hint, hints)) notice(`${product}: ${hint}`);
    const endsBy = isSuccess(status) ? undefined : answerRuleOf(products, product, format).rule?.endsBy;
    if (endsBy !== undefined && isNew(endsBy)) notice(`${product}: its sender counts this as a failure, and ${endsBy}`);
    for (const { id, verdict } of verdicts) {
      if (verdict !== "unconfigured" || !isNew(`${product} ${format} ${id}`)) continue;
      const variable = variableOf(products, product, id);
      if (variable === undefined) continue;
      notice(`${product}: its ${id} is not checked: set ${variable} to check it`);
    }
  };
}

/** What a proof is checked with. */
function variableOf(products: readonly Product[], productId = "", proofId: string): string | undefined {
  const proofs = findProduct(products, productId)?.formats.flatMap((format) => format.proofs) ?? [];
  const proof = proofs.find(({ id }) => id === proofId);
  return proof === undefined ? undefined : CREDENTIAL_VARIABLES[proof.credential];
}

/** Shows a request to Zoho, with its secrets masked, instead of making it. */
export function showRequest(context: Context, { api }: { readonly api: ZohoApi }, request: ApiRequest): ExitCode {
  const { method, json, multipart, headers } = request;
  context.report({
    type: "api-request",
    sent: false,
    method,
    url: api.urlOf(request),
    headers: {
      authorization: `Zoho-oauthtoken ${MASK}`,
      ...headers,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(multipart === undefined ? {} : { "content-type": "multipart/form-data" }),
    },
    body: maskedBody(request),
    status: undefined,
    error: undefined,
    latencyMs: undefined,
  });
  return ExitCode.ok;
}

/** Asks before something that cannot be taken back. Without a terminal only `--yes` is an answer. */
export async function confirm(context: Context, question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes === true) return true;
  const prompts = await context.prompts();
  if (prompts === undefined) {
    throw usageError(`the question ${JSON.stringify(question)} needs an answer, and there is no terminal`, "add --yes");
  }
  return prompts.confirm({ message: question });
}

/** How the listener that runs in this project is reached: the one that holds its event log writes it there. */
export async function runningListener(context: Context, config: Config): Promise<string | undefined> {
  rejectForeignLog(context, config);
  const { root } = config;
  const { store } = config.settings;
  const url = store === false ? undefined : (await lockOwnerAt({ root, store }))?.url;
  // A receiver on every address is reached on loopback.
  return url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}
