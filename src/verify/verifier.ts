import { withChannels } from "../channels/read-tokens.ts";
import { type HeaderPair, headerValue } from "../delivery/delivery.ts";
import { eventNames, isNamed, nearest } from "../model/event-names.ts";
import { requireProduct } from "../model/named.ts";
import type { Product } from "../model/product.ts";
import type { Config } from "../project/load.ts";
import { UNKNOWN_KEY } from "../signatures/keys.ts";
import { usageError } from "../util/errors.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { type KeySets, openKeySets } from "../zoho-api/key-sets.ts";
import { explainProofs } from "./explain.ts";
import type { VerifiedReport } from "./lines.ts";
import type { InputPayload } from "./read-input.ts";
import { verifiedLine } from "./verified-line.ts";
import { type VerifyPayloadInput, verifyPayload } from "./verify-payload.ts";

export interface VerifierOptions {
  readonly product?: string;
  readonly event?: string;
  readonly format?: string;
  /** The value of the header that carries the proof, when it was given apart from the headers. */
  readonly signature?: string;
  readonly explain?: boolean;
  readonly showExpected?: boolean;
}

type Task = Omit<VerifyPayloadInput, "payload">;

/**
 * Verifies payloads, and fetches the public keys that they need: at first those for `first`, and more when others come. Throws a
 * usage error for an unknown product, format or event.
 */
export async function openVerifier(
  workspace: ReportingWorkspace,
  products: readonly Product[],
  options: VerifierOptions,
  first: readonly InputPayload[],
): Promise<Verifier> {
  const config = { ...workspace.config, secrets: workspace.secrets() };
  const keyed = keyedProducts(products, headersOf(first), options);
  const keys = await openKeySets(workspace, config, keyed);
  const task = {
    ...candidatesFor(products, options),
    signature: options.signature,
    secrets: await withChannels(workspace, keys.secrets),
    now: workspace.now(),
    limits: { toleranceMs: config.settings.tolerance, setting: "--tolerance" },
  };
  return new Verifier({ workspace, config, products, options, keyed, keys, task });
}

interface VerifierParts {
  readonly workspace: ReportingWorkspace;
  readonly config: Pick<Config, "env" | "secrets">;
  readonly products: readonly Product[];
  readonly options: VerifierOptions;
  readonly keyed: readonly Product[];
  readonly keys: KeySets;
  readonly task: Task;
}

class Verifier {
  readonly #parts: Omit<VerifierParts, "keyed" | "keys" | "task">;
  /** Products whose keys are in `#keys`. */
  #keyed: readonly Product[];
  #keys: KeySets;
  #task: Task;

  constructor({ keyed, keys, task, ...parts }: VerifierParts) {
    this.#parts = parts;
    this.#keyed = keyed;
    this.#keys = keys;
    this.#task = task;
  }

  /** `file`: the name of the input, for the report. */
  async verify(file: string, payload: InputPayload): Promise<VerifiedReport> {
    await this.#openKeysOf(payload);
    const report = reportOn(file, payload, this.#task, this.#parts.options);
    const { product, verdicts } = report.person.receipt;
    const isKeyUnknown = product !== undefined && verdicts.some(({ match }) => match === UNKNOWN_KEY);
    const isRenewed = isKeyUnknown && (await this.#keys.renew(product));
    return isRenewed ? reportOn(file, payload, this.#task, this.#parts.options) : report;
  }

  async #openKeysOf(payload: InputPayload): Promise<void> {
    // A bare body has no header that needs a key.
    if (!payload.complete) return;
    const { workspace, config, products, options } = this.#parts;
    const needed = keyedProducts(products, headersOf([payload]), options);
    if (needed.every((each) => this.#keyed.includes(each))) return;
    this.#keyed = [...new Set([...this.#keyed, ...needed])];
    this.#keys = await openKeySets(workspace, config, this.#keyed);
    this.#task = { ...this.#task, secrets: await withChannels(workspace, this.#keys.secrets) };
  }
}

function headersOf(payloads: readonly InputPayload[]): readonly (readonly HeaderPair[])[] {
  return payloads.map(({ delivery }) => delivery.headers);
}

/**
 * The products whose public keys are needed for these requests. Keys may have to be fetched, and what needs none must not need
 * the network.
 */
function keyedProducts(
  products: readonly Product[],
  sent: readonly (readonly HeaderPair[])[],
  { product, signature }: { readonly product?: string; readonly signature?: string },
): readonly Product[] {
  const candidates = product === undefined ? products : [requireProduct(products, product)];
  return signature === undefined ? candidates.filter((each) => carriesToken(each, sent)) : candidates;
}

/** Whether any request has the header of a proof that needs public keys. */
function carriesToken({ formats }: Product, sent: readonly (readonly HeaderPair[])[]): boolean {
  const proofs = formats.flatMap((format) => format.proofs).filter(({ credential }) => credential === "jwks");
  return proofs.some(({ header }) => header !== undefined && sent.some((headers) => headerValue({ headers }, header)));
}

/** The products and formats that the flags allow. */
function candidatesFor(products: readonly Product[], { product: id, event, format }: VerifierOptions) {
  const product = id === undefined ? undefined : requireProduct(products, id);
  const candidates = withFormat(product === undefined ? products : [product], format);
  if (event !== undefined) requireEventName(candidates, event);
  // With a product named, the others serve to say what else a body looks like.
  return {
    products: product === undefined ? candidates : products,
    all: products,
    product: product && candidates[0],
    event,
  };
}

function withFormat(candidates: readonly Product[], id: string | undefined): readonly Product[] {
  if (id === undefined) return candidates;
  const narrowed = candidates.flatMap((product) => {
    const formats = product.formats.filter((format) => format.id === id.toLowerCase());
    return formats.length === 0 ? [] : [{ ...product, formats }];
  });
  if (narrowed.length > 0) return narrowed;
  const ids = new Set(candidates.flatMap(({ formats }) => formats.map((format) => format.id)));
  throw usageError(`there is no format ${JSON.stringify(id)}`, `formats: ${[...ids].join(", ")}`);
}

function requireEventName(candidates: readonly Product[], event: string): void {
  const formats = candidates.flatMap((product) => product.formats);
  if (formats.some((format) => isNamed(format, event, candidates.length > 1))) return;
  const near = nearest(event, [...new Set(formats.flatMap(eventNames))]);
  throw usageError(
    `there is no event ${JSON.stringify(event)}${candidates.length === 1 ? ` in ${candidates[0]?.id}` : ""}`,
    near.length === 0 ? "run zoho-hooks products for all of them" : `did you mean ${near.join(" or ")}?`,
  );
}

function reportOn(
  file: string,
  payload: InputPayload,
  task: Task,
  { explain = false, showExpected = false }: VerifierOptions,
): VerifiedReport {
  const product = task.product ?? task.products.find((each) => each.id === payload.product);
  const verified = verifyPayload({ ...task, product, payload });
  // A recorded delivery is explained as of its arrival, like its verdict.
  const onArrival = { ...task, now: payload.at ?? task.now };
  const explained = explain || showExpected ? explainProofs(verified, onArrival, showExpected) : [];
  return verifiedLine({ file, payload, verified, explained, showExpected });
}
