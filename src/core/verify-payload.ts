import { type Delivery, headerValue, withHeader } from "../body/delivery.ts";
import { UNREAD } from "../body/payload.ts";
import type { Secrets } from "../body/secret.ts";
import { usageError } from "../util/errors.ts";
import { locate, type TextPosition } from "../util/json.ts";
import { familyMember, findEvent } from "./event-names.ts";
import { MASK } from "./mask.ts";
import type { Explanation, Format, Limits, Product, Verdict } from "./product.ts";
import { emptyReceipt, ofOtherFormat, type Receipt, receive, verdictsOf } from "./receive.ts";
import { type InputPayload, NO_ADDRESS } from "./verify-input.ts";

export interface VerifyPayloadInput {
  readonly products: readonly Product[];
  /** The same and all others, with every format: what a body may be that is not what was asked for. */
  readonly all: readonly Product[];
  readonly product: Product | undefined;
  readonly event: string | undefined;
  readonly payload: InputPayload;
  /** The value of the header that carries the proof, when it was given apart from the headers. */
  readonly signature: string | undefined;
  /** A proof that is not there is a failure even of a bare body, since its secret was given for this very run. */
  readonly requireProofs: boolean;
  readonly secrets: Secrets;
  readonly now: Date;
  readonly limits: Limits;
}

/** What a payload is found to be. A failed proof weighs more than a wrong shape. */
export type Outcome = "ok" | "proof-failed" | "invalid";

export interface VerifiedPayload {
  readonly receipt: Receipt;
  readonly delivery: Delivery;
  readonly format: Format | undefined;
  readonly outcome: Outcome;
  /** What a person should know beside the verdicts. */
  readonly notes: readonly string[];
}

/** Judges one payload of an input as `listen` would have judged its delivery. */
export function verifyPayload(input: VerifyPayloadInput): VerifiedPayload {
  const { payload, products, product, signature } = input;
  if (payload.problem !== undefined) return unreadable(payload, payload.problem);
  const judge = (delivery: Delivery): Receipt => {
    const receipt = receive({ ...input, now: payload.at ?? input.now, delivery });
    return input.event === undefined ? receipt : asNamedEvent(receipt, formatOf(receipt, products, product), delivery);
  };
  const first = judge(payload.delivery);
  if (first.problem !== undefined && product !== undefined) {
    const signed = signedAllTheSame(first, product, input);
    if (signed !== undefined) return signed;
  }
  const guessed = formatOf(first, products, product);
  const delivery =
    signature === undefined || guessed === undefined
      ? payload.delivery
      : signedAsItMatches(payload.delivery, signature, signableFormats(product, first, guessed), judge);
  const receipt = delivery === payload.delivery ? first : judge(delivery);
  const format = formatOf(receipt, products, product);
  const judged = receipt.verdicts.map((verdict) =>
    payload.complete || input.requireProofs ? verdict : withoutHeaders(verdict, format, delivery),
  );
  const unproven = judged.some(({ verdict }) => verdict === "failed");
  const masked = unproven && holdsMask(delivery);
  const softened = { ...receipt, verdicts: masked ? judged.map(uncheckable) : judged };
  const unasked = signature !== undefined && softened.verdicts.length === 0;
  return {
    receipt: softened,
    delivery,
    format,
    outcome: unasked ? "invalid" : unproven ? "proof-failed" : outcomeOf(softened),
    notes: [
      ...(masked ? [MASKED_NOTE] : []),
      ...(unasked
        ? [
            `the signature was not checked: it is not known what it should match${product === undefined ? "; name the product with --product" : ""}`,
          ]
        : []),
      ...formatNote(receipt, input),
      ...addressNote(softened.verdicts, receipt.format === undefined ? (product?.formats ?? []) : [format], delivery),
    ],
  };
}

/** Where no product was named, only a format: a receipt's hint is of a product. */
function formatNote({ product, payload, handshake }: Receipt, input: VerifyPayloadInput): readonly string[] {
  if (product !== undefined || payload === undefined || handshake !== undefined) return [];
  const other = ofOtherFormat({ ...input, products: input.all, delivery: input.payload.delivery }, payload);
  return other === undefined ? [] : [other];
}

/**
 * A body that cannot be read has a signature still: Zoho Sign's published example is over one that is not JSON. Undefined
 * where none came, be it apart from the headers or among them.
 */
function signedAllTheSame(
  receipt: Receipt,
  product: Product,
  { payload, signature, secrets, now, limits }: VerifyPayloadInput,
): VerifiedPayload | undefined {
  const isThere = (header: string): boolean =>
    signature !== undefined || headerValue(payload.delivery, header) !== undefined;
  const tried = product.formats.flatMap((format) => {
    const proofs = format.proofs.filter(
      ({ proves, header }) => proves === "body" && header !== undefined && isThere(header),
    );
    if (proofs.length === 0) return [];
    const delivery =
      signature === undefined ? payload.delivery : withHeader(payload.delivery, signatureHeader(format), signature);
    const input = { delivery, secrets, now: payload.at ?? now, limits };
    return [{ format, delivery, verdicts: verdictsOf(input, product, { ...format, proofs }, UNREAD) }];
  });
  if (tried.length === 0 && signature === undefined) return undefined;
  const passed = tried.find(({ verdicts }) => verdicts.some(({ verdict }) => verdict === "passed"));
  const { format, delivery = payload.delivery, verdicts = [] } = passed ?? tried[0] ?? {};
  const judged = { ...receipt, verdicts };
  const notes = [
    ...(tried.length === 0 ? ["the signature was not checked: it is not known what it should match"] : []),
    ...addressNote(verdicts, [format], delivery),
  ];
  const failed = verdicts.some(({ verdict }) => verdict === "failed");
  return { receipt: judged, delivery, format, outcome: failed ? "proof-failed" : "invalid", notes };
}

/** The first thing to think of, where a signature covers the query and the query is not known. */
function addressNote(
  verdicts: readonly Verdict[],
  formats: readonly (Format | undefined)[],
  { url }: Delivery,
): readonly string[] {
  const covering = formats.some((format) => format?.proofs.some((proof) => proof.coversQuery === true));
  if (!covering || !verdicts.some(({ verdict }) => verdict === "failed") || url !== NO_ADDRESS) return [];
  return [
    "the signature also covers the query of the URL, which is not known here: give the URL that it was sent to with --url",
  ];
}

function unreadable(payload: InputPayload, reason: string): VerifiedPayload {
  const receipt = { ...emptyReceipt, product: payload.product, problem: { status: 400, reason } } as const;
  return { receipt, delivery: payload.delivery, format: undefined, outcome: "invalid", notes: [] };
}

/** The format that the verdicts are of, as far as there are any: its proof was there. */
function formatOf(receipt: Receipt, products: readonly Product[], given: Product | undefined): Format | undefined {
  const product = given ?? products.find((each) => each.id === receipt.product);
  const known = product?.formats.find((format) => format.id === receipt.format);
  const isJudged = ({ proofs }: Format): boolean =>
    receipt.verdicts.some(({ id }) => proofs.some((each) => each.id === id));
  if (known !== undefined && (receipt.verdicts.length === 0 || isJudged(known))) return known;
  return product?.formats.find(isJudged) ?? known ?? given?.formats[0];
}

/** A body alone cannot lack a header: that the proof was not there to be checked is said, and is no failure. */
function withoutHeaders(verdict: Verdict, format: Format | undefined, delivery: Delivery): Verdict {
  const header = format?.proofs.find((proof) => proof.id === verdict.id)?.header;
  if (header === undefined || headerValue(delivery, header) !== undefined) return verdict;
  const reason = `not checked: add --signature <value of ${header}>`;
  return { ...verdict, verdict: "absent", reason };
}

function outcomeOf(receipt: Receipt): Outcome {
  if (receipt.handshake !== undefined) return "ok";
  return receipt.known && receipt.schema?.ok === true ? "ok" : "invalid";
}

/** Where each schema issue stands in the input; nowhere when the body was not the input's own text. */
export function issuePositions(
  { receipt }: VerifiedPayload,
  { inPlace, line = 1 }: InputPayload,
): readonly (TextPosition | undefined)[] {
  const { schema, payload } = receipt;
  return (schema?.issues ?? []).map(({ path }) => {
    if (!inPlace || payload?.kind !== "json" || payload.text === undefined) return undefined;
    return inInput(locate(payload.text, path), line);
  });
}

/** Where the input stops being what it says it is. */
export function problemPosition(
  { receipt }: VerifiedPayload,
  { inPlace, line = 1 }: InputPayload,
): TextPosition | undefined {
  const position = receipt.problem?.position;
  return !inPlace || position === undefined ? undefined : inInput(position, line);
}

function inInput({ line, column }: TextPosition, firstLine: number): TextPosition {
  return { line: line + firstLine - 1, column };
}

/** Why each failed proof failed; with `all`, what each one that was not checked would have been. */
export function explainProofs(
  { receipt, delivery, format }: VerifiedPayload,
  { secrets, now, limits }: Pick<VerifyPayloadInput, "secrets" | "now" | "limits">,
  all: boolean,
): readonly { readonly proof: string; readonly explanation: Explanation }[] {
  const { payload, product } = receipt;
  if (product === undefined) return [];
  return receipt.verdicts.flatMap(({ id, verdict }) => {
    const proof = format?.proofs.find((each) => each.id === id);
    const asked = verdict === "failed" || (all && verdict === "absent");
    if (proof?.explain === undefined || !asked || secrets.for(proof.credential, product).length === 0) return [];
    return [{ proof: id, explanation: proof.explain(delivery, payload ?? UNREAD, secrets, product, now, limits) }];
  });
}

/**
 * The formats that a signature may be of: the body's own, or for a body of no known envelope any of its product, first the one
 * that users design themselves.
 */
function signableFormats(product: Product | undefined, { format }: Receipt, guessed: Format): readonly Format[] {
  const signing = (product?.formats ?? []).filter(({ proofs }) => proofs.some(({ header }) => header !== undefined));
  if (format !== undefined || signing.length === 0) return [guessed];
  const isDesigned = ({ catchAll }: Format): number => (catchAll === undefined ? 0 : 1);
  return signing.toSorted((a, b) => isDesigned(b) - isDesigned(a));
}

/** A body may be signed as any of these formats: it is the one whose proof the signature passes, or else the first. */
function signedAsItMatches(
  delivery: Delivery,
  signature: string,
  formats: readonly Format[],
  judge: (delivery: Delivery) => Receipt,
): Delivery {
  const tried = formats.map((format) => withHeader(delivery, signatureHeader(format), signature));
  const passed = tried.find((each) => judge(each).verdicts.some(({ verdict }) => verdict === "passed"));
  return passed ?? tried[0] ?? delivery;
}

/** That of a signature over the body; else, as with Desk's token, the only one that a proof of the sender has. */
function signatureHeader(format: Format): string {
  const inHeaders = format.proofs.flatMap(({ proves, header }) => (header === undefined ? [] : [{ proves, header }]));
  const [first, second] = inHeaders;
  const chosen = inHeaders.find(({ proves }) => proves === "body") ?? (second === undefined ? first : undefined);
  if (chosen !== undefined) return chosen.header;
  throw usageError(
    `--signature: deliveries in this format (${format.id}) have no signature in a header`,
    format.proofs.length === 0
      ? "nothing in it can be checked"
      : `they have: ${format.proofs.map((each) => each.title).join(", ")}`,
  );
}

/** What to do about a payload whose secrets were taken out: nothing can be proven of it any more, and nothing is forged. */
const MASKED_NOTE =
  "its secrets are masked, so it cannot be checked: export it with zoho-hooks events export --show-secrets";

const FORMS = [MASK, encodeURIComponent(MASK)];

function holdsMask({ headers, body }: Delivery): boolean {
  if (headers.some(([, value]) => value.endsWith(MASK))) return true;
  return FORMS.some((form) => body.includes(form));
}

/**
 * A failure that the mask explains. It is still none that passes: whoever wants to be taken for masked writes the mask
 * into a forgery.
 */
function uncheckable(verdict: Verdict): Verdict {
  if (verdict.verdict !== "failed") return verdict;
  return { ...verdict, verdict: "absent", reason: "not checked: secrets are masked in this payload" };
}

/**
 * A body of `Leads.create` is none of `Visits.create`: the schema of their family fits either, so what the body itself says
 * is compared with the event that was named. The family's own name stands for all of them.
 */
function asNamedEvent(receipt: Receipt, format: Format | undefined, delivery: Delivery): Receipt {
  const { event, payload, schema } = receipt;
  if (format === undefined || event === undefined || payload === undefined || schema === undefined) return receipt;
  const family = findEvent(format, event)?.event;
  const said = format.recognise(payload, delivery);
  if (family === undefined || family.name === event || said === undefined) return receipt;
  // A body may not say what happened to its record: then it says nothing against the name either.
  if (familyMember(family, said) === undefined || said.toLowerCase() === event.toLowerCase()) return receipt;
  const issue = { path: [], at: "", expected: event, received: said };
  return { ...receipt, schema: { ok: false, issues: [issue, ...schema.issues] } };
}
