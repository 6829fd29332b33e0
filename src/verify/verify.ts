import { withChannels } from "../channels/read-tokens.ts";
import { eventNames, isNamed, nearest } from "../contract/event-names.ts";
import { requireProduct } from "../contract/named.ts";
import type { Product } from "../contract/product.ts";
import { disableSchemaJit } from "../contract/schema.ts";
import { warnOfUnknownVariables } from "../custom/project-products.ts";
import { type HeaderPair, headerValue, parseHeader } from "../delivery/delivery.ts";
import type { ReportingWorkspace, Run } from "../project/workspace.ts";
import { UNKNOWN_KEY } from "../proofs/keys.ts";
import { reportHintsOnce } from "../receiver/notices.ts";
import type { Receipt } from "../recognition/receive.ts";
import { foreignInput, type InputPayload } from "../recognition/verify-input.ts";
import {
  explainProofs,
  issuePositions,
  problemPosition,
  type VerifyPayloadInput,
  verifyPayload,
} from "../recognition/verify-payload.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { counted } from "../util/units.ts";
import { type KeySets, openKeySets } from "../zoho-api/key-sets.ts";
import { type InputFile, type InputItem, inputItems } from "./inputs.ts";
import type { LoggedInput } from "./logged.ts";
import type { VerifiedReport, VerifySummaryReport } from "./reports.ts";

export interface VerifyOptions {
  readonly product?: string;
  readonly event?: string;
  readonly format?: string;
  readonly signature?: string;
  readonly header?: readonly string[];
  readonly url?: string;
  readonly explain?: boolean;
  readonly showExpected?: boolean;
}

/** From this count on, compiling schemas saves time. */
const MANY_PAYLOADS = 50;

/** Verifies the payloads of files, or a delivery of the log: a report of each, and a summary of several. */
export async function* verify(
  workspace: ReportingWorkspace,
  input: readonly InputFile[] | LoggedInput,
  options: VerifyOptions,
): Run<VerifiedReport | VerifySummaryReport> {
  const { signature } = options;
  const [files, logged] = "payload" in input ? [[], input] : [input, undefined];
  const config = { ...workspace.config, secrets: workspace.secrets() };
  const products = await workspace.products({ schemasOf: options.product });
  warnOfUnknownVariables(workspace, config, products);
  const given = readGiven(options);
  const items = inputItems(files, given.contentType);
  /** The first ones, before which no more is decided than they need. */
  const first: InputItem[] = logged === undefined ? [] : [{ ...logged, isLast: false }];
  while (first.length < MANY_PAYLOADS) {
    const next = await items.next();
    if (next.done) break;
    first.push(next.value);
  }
  const payloads = first.flatMap(({ payload }) => payload ?? []);
  const sent = [given.headers, ...payloads.map(({ delivery }) => delivery.headers)];
  let keyed = keyedProducts(products, sent, options);
  let keys = await openKeySets(workspace, config, keyed);
  const task = {
    ...candidatesFor(products, options),
    signature,
    secrets: await withChannels(workspace, keys.secrets),
    now: workspace.now(),
    limits: { toleranceMs: config.settings.tolerance, setting: "--tolerance" },
  };
  if (signature?.trim() === "") throw usageError("--signature is empty", "give it the value of the header");
  if (signature !== undefined && payloads.length > 1) {
    let several = payloads.length;
    for await (const { payload } of items) if (payload !== undefined) several++;
    throw usageError(
      `--signature works with one payload, and there are ${several}`,
      "verify them one by one, or give deliveries with their headers, as listen --json prints them",
    );
  }

  // In the process of `listen` it would slow down the receiver.
  if (first.length < MANY_PAYLOADS && workspace.listenerUrl === undefined) disableSchemaJit();
  const reportHint = reportHintsOnce(workspace, products);
  const outcomes = {
    valid: 0,
    custom: 0,
    no_key: 0,
    invalid: 0,
    masked: 0,
    missing_signature: 0,
    wrong_signature: 0,
  };
  let count = 0;
  let skipped = 0;
  let isRead = true;
  for await (const { file, payload: found, isLast } of inTurn(first, items)) {
    if (found !== undefined) {
      const payload = withGiven(found, given);
      // A bare body has no header that needs a key.
      const needed = found.complete ? keyedProducts(products, [payload.delivery.headers], options) : [];
      if (needed.some((each) => !keyed.includes(each))) {
        keyed = [...new Set([...keyed, ...needed])];
        keys = await openKeySets(workspace, config, keyed);
        task.secrets = await withChannels(workspace, keys.secrets);
      }
      let report = reportOn(file, payload, task, options);
      if (await renewKeys(report.receipt, keys)) report = reportOn(file, payload, task, options);
      isRead = (yield logged?.shown(report) ?? report) !== false;
      reportHint(report.receipt);
      count++;
      outcomes[report.outcome]++;
    } else if (!isLast) skipped++;
    if (isLast && skipped > 0) {
      workspace.report({ type: "notice", message: `${file}: skipped ${counted(skipped, "line")} without a delivery` });
      skipped = 0;
    }
    if (!isRead) break;
  }
  if (count > 1) yield { type: "verify-summary", count, outcomes };
  if (outcomes.wrong_signature + outcomes.missing_signature + outcomes.masked > 0) return ExitCode.proofFailed;
  if (outcomes.invalid > 0) return ExitCode.schemaInvalid;
  return outcomes.no_key > 0 ? ExitCode.credentials : ExitCode.ok;
}

async function* inTurn(first: readonly InputItem[], others: AsyncIterable<InputItem>) {
  yield* first;
  yield* others;
}

/** Headers and a URL that were given for every payload. */
type Given = ReturnType<typeof readGiven>;

function readGiven({ url, header = [] }: VerifyOptions) {
  // Anything else has no query, and a signature over it would fail for no visible reason.
  if (url !== undefined && !url.startsWith("/") && !/^https?:\/\/./i.test(url)) {
    throw usageError(
      `--url: ${JSON.stringify(url)} is not a URL`,
      "write it as https://example.com/webhooks/zoho/books?event=invoice.created, or from its path on",
    );
  }
  const typed = header.map(parseHeader);
  const contentType = typed.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  // A content type alone says nothing about a signature.
  const isComplete = typed.some(([name]) => name.toLowerCase() !== "content-type");
  return { url, headers: typed, contentType, isComplete };
}

/** A given header replaces those of its name. */
function withGiven(payload: InputPayload, { url, headers, isComplete }: Given): InputPayload {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const others = payload.delivery.headers.filter(([name]) => !names.has(name.toLowerCase()));
  const delivery = { ...payload.delivery, url: url ?? payload.delivery.url, headers: [...others, ...headers] };
  return { ...payload, delivery, complete: payload.complete || isComplete };
}

function reportOn(
  file: string,
  payload: InputPayload,
  task: Omit<VerifyPayloadInput, "payload">,
  { explain = false, showExpected = false }: VerifyOptions,
): VerifiedReport {
  const product = task.product ?? task.products.find((each) => each.id === payload.product);
  const verified = verifyPayload({ ...task, product, payload });
  const foreign = foreignInput(payload, verified.receipt);
  // A recorded delivery is explained as of its arrival, like its verdict.
  const onArrival = { ...task, now: payload.at ?? task.now };
  return {
    type: "verified",
    file,
    line: payload.line,
    outcome: verified.outcome,
    receipt: verified.receipt,
    body: payload.delivery.body,
    bytes: payload.delivery.body.length,
    positions: issuePositions(verified, payload),
    problemPosition: problemPosition(verified, payload),
    explanations: explain || showExpected ? explainProofs(verified, onArrival, showExpected) : [],
    showExpected,
    notes: foreign === undefined ? verified.notes : [...verified.notes, foreign],
    answered: undefined,
  };
}

/** The products and formats that the flags allow. */
function candidatesFor(products: readonly Product[], { product: id, event, format }: VerifyOptions) {
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

/** Fetches keys again for a proof with an unknown key. True if they changed. */
async function renewKeys({ product, verdicts }: Receipt, keys: KeySets): Promise<boolean> {
  if (product === undefined || !verdicts.some(({ match }) => match === UNKNOWN_KEY)) return false;
  return keys.renew(product);
}
