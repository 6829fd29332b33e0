import { type Delivery, headerValue, withHeader } from "../delivery/delivery.ts";
import { MASK } from "../delivery/mask.ts";
import { UNREAD } from "../delivery/payload.ts";
import { CREDENTIAL_VARIABLES, type Secrets } from "../delivery/secrets.ts";
import { familyMember, findEvent } from "../model/event-names.ts";
import type { Format, Limits, Product, Proof, Verdict } from "../model/product.ts";
import { ambiguityText, emptyReceipt, type Receipt } from "../model/receipt.ts";
import { has, senderResult } from "../model/verdict.ts";
import { verifyProof } from "../recognition/authenticate.ts";
import { otherFormatHint } from "../recognition/hints.ts";
import { receive } from "../recognition/receive.ts";
import { recogniseAny } from "../recognition/recognise.ts";
import { isNeverSigned } from "../recognition/unsigned.ts";
import { bodyToken, hasSampleToken, PLACEHOLDER } from "../signatures/token.ts";
import { usageError } from "../util/errors.ts";
import { foreignSignature } from "./foreign.ts";
import { misspeltMembers } from "./misspelt.ts";
import { type InputPayload, NO_ADDRESS } from "./read-input.ts";

export interface VerifyPayloadInput {
  /** With the formats asked for. */
  readonly products: readonly Product[];
  /** All products with all formats, to suggest what a body may be instead. */
  readonly all: readonly Product[];
  readonly product: Product | undefined;
  readonly event: string | undefined;
  readonly payload: InputPayload;
  /** The value of the header that carries the proof, when it was given apart from the headers. */
  readonly signature: string | undefined;
  readonly secrets: Secrets;
  readonly now: Date;
  readonly limits: Limits;
}

/**
 * The worst of its signatures, tokens and body, in this order. `masked`: its secrets are masked, so they cannot be verified;
 * `custom`: a body without a schema.
 */
export type VerifyOutcome =
  | "wrong_signature"
  | "missing_signature"
  | "masked"
  | "invalid"
  | "no_key"
  | "custom"
  | "valid";

export interface VerifiedPayload {
  readonly receipt: Receipt;
  readonly delivery: Delivery;
  readonly format: Format | undefined;
  readonly outcome: VerifyOutcome;
  /** For a person, beside the verdicts. */
  readonly notes: readonly string[];
}

const UNKNOWN_SCHEME = "the signature was not checked: no known signature scheme applies to this body";
const NO_SCHEME =
  "the signature matches no known scheme with the keys that are set: to see why, name the product with --product, and add --explain";
const NO_KEY = `${UNKNOWN_SCHEME}, and no key is set to try the others: set ZOHO_WEBHOOK_SECRET, or name the product with --product`;

/** Verifies one payload of an input as `listen` would have verified its delivery. */
export function verifyPayload(input: VerifyPayloadInput): VerifiedPayload {
  const { payload, products, product, signature } = input;
  if (payload.problem !== undefined) return unreadable(payload, payload.problem);
  const receiptOf = (delivery: Delivery): Receipt => receiptAs(input, delivery);
  const first = receiptOf(payload.delivery);
  if (first.problem !== undefined && product !== undefined) {
    const verified = verifyUnreadable(first, product, input);
    if (verified !== undefined) return verified;
  }
  const guessed = formatOf(first, products, product);
  const foreign = foreignSignatures(input);
  const delivery =
    signature === undefined || guessed === undefined
      ? payload.delivery
      : firstPassed(
          signableFormats(product, first, guessed).map((format) =>
            withHeader(payload.delivery, signatureHeader(format, foreign[0]), signature),
          ),
          receiptOf,
        );
  const receipt = delivery === payload.delivery ? first : receiptOf(delivery);
  const format = formatOf(receipt, products, product);
  const { verdicts: own, isMasked } = checkedVerdicts(receipt, payload.complete, format, delivery);
  const unchecked = signature !== undefined && own.length === 0 ? tryAllSchemes(input, receipt, signature) : undefined;
  const verdicts = unchecked?.verdicts ?? own;
  const lacking = payload.complete ? lackingProofs(receipt.product, verdicts, format, products) : [];
  const notes = [
    ...(isMasked ? [MASKED_NOTE] : []),
    ...(has("passed", verdicts) || foreign.length === 0 ? (unchecked?.notes ?? []) : foreign),
    ...lackingNote(lacking),
    ...formatNote(receipt, input),
    ...schemaNote(receipt, format),
    ...misspeltMembers(receipt, products),
    ...sampleNote(receipt, verdicts),
    ...ambiguityNote(receipt),
    ...addressNote(verdicts, receipt.format === undefined ? (product?.formats ?? []) : [format], delivery),
  ];
  const verified = { receipt: { ...receipt, verdicts }, delivery, format, notes };
  if (isMasked) return { ...verified, outcome: "masked" };
  if (unchecked !== undefined) return { ...verified, outcome: "invalid" };
  const isUnproved = lacking.length > 0 || isKeyMissing(verdicts, format, input);
  return { ...verified, outcome: outcomeOf(verified.receipt, isUnproved) };
}

function receiptAs(input: VerifyPayloadInput, delivery: Delivery): Receipt {
  const { payload, products, product, event, now } = input;
  // A missing signature of a bare body is no failure here, which `receive` does not know.
  const receipt = receive({ ...input, now: payload.at ?? now, delivery, customSchemas: true });
  return event === undefined ? receipt : asNamedEvent(receipt, formatOf(receipt, products, product), delivery);
}

/** The verdicts, without failures of proofs that are not there to be checked: in headers of a bare body, or masked. */
function checkedVerdicts(
  { verdicts }: Receipt,
  isComplete: boolean,
  format: Format | undefined,
  delivery: Delivery,
): { readonly verdicts: readonly Verdict[]; readonly isMasked: boolean } {
  const required = isComplete ? verdicts : verdicts.map((each) => absentWithoutHeader(each, format, delivery));
  const isMasked = has("failed", required) && containsMask(delivery);
  return { verdicts: isMasked ? required.map(uncheckable) : required, isMasked };
}

/** A bare body is a sample, whose form is checked, until its signature is given. */
function isKeyMissing(
  verdicts: readonly Verdict[],
  format: Format | undefined,
  { payload, signature }: VerifyPayloadInput,
): boolean {
  if (signature === undefined) return payload.complete && senderResult(verdicts) === "no_key";
  return verdicts.some(({ id, verdict }) => verdict === "unconfigured" && headerOf(format, id) !== undefined);
}

/** The proofs that a delivery lacks and no key requires here, where Zoho can make one: it may be anybody's. */
function lackingProofs(
  id: string | undefined,
  verdicts: readonly Verdict[],
  format: Format | undefined,
  products: readonly Product[],
): readonly Proof[] {
  const product = products.find((each) => each.id === id);
  if (product === undefined || isNeverSigned(product) || senderResult(verdicts) !== "unsigned") return [];
  return (format?.proofs ?? []).filter((proof) => verdicts.some((each) => each.id === proof.id));
}

function lackingNote(proofs: readonly Proof[]): readonly string[] {
  const variables = [...new Set(proofs.map(({ credential }) => CREDENTIAL_VARIABLES[credential]))];
  if (variables.length === 0) return [];
  return [`nothing shows that Zoho sent it: if its webhook signs or has a token, set ${variables.join(" or ")}`];
}

/** Signatures in the form of another sender, which no product explains. */
function foreignSignatures({ product, payload, signature, secrets }: VerifyPayloadInput): readonly string[] {
  if (product !== undefined) return [];
  const { headers, body } = payload.delivery;
  const inHeaders = headers.flatMap(([name, value]) => (/signature/i.test(name) ? [value] : []));
  const given = signature === undefined ? inHeaders : [signature];
  return [...new Set(given.flatMap((value) => foreignSignature(value, body, secrets.all()) ?? []))];
}

/** Tries a signature of a body that no known scheme applies to with all schemes, unless the product is known. */
function tryAllSchemes(
  input: VerifyPayloadInput,
  receipt: Receipt,
  signature: string,
): { readonly verdicts: readonly Verdict[]; readonly notes: readonly string[] } {
  if (input.product !== undefined) return { verdicts: [], notes: [UNKNOWN_SCHEME] };
  const matching = matchingSchemes(input, receipt, signature);
  const none = input.secrets.all().length === 0 ? NO_KEY : NO_SCHEME;
  return {
    verdicts: matching.slice(0, 1).map(({ verdict }) => verdict),
    notes: matching.length === 0 ? [none] : matching.map(({ note }) => note),
  };
}

/** The schemes by which a signature of an unknown body is right, and the products that sign so. */
function matchingSchemes(
  { products, payload: { delivery, at }, secrets, now, limits }: VerifyPayloadInput,
  { payload = UNREAD }: Receipt,
  signature: string,
): readonly { readonly verdict: Verdict; readonly note: string }[] {
  const exact = { ...limits, openReadings: false };
  // Some are accepted in another encoding than that which Zoho uses, and the title names.
  const otherEncoding = /^[0-9a-f]+$/i.test(signature.trim()) ? ", base64" : ", hex";
  const found = products.flatMap((product) =>
    product.formats.flatMap(({ proofs }) =>
      proofs.flatMap((proof) => {
        if (proof.header === undefined || proof.title.endsWith(otherEncoding)) return [];
        const signed = withHeader(delivery, proof.header, signature);
        const verdict = verifyProof(proof, product, {
          delivery: signed,
          payload,
          secrets,
          now: at ?? now,
          limits: exact,
        });
        return verdict.verdict === "passed" ? [{ product: product.id, title: proof.title, verdict }] : [];
      }),
    ),
  );
  return [...new Map(found.map((each) => [each.title, each])).values()].map(({ title, verdict }) => {
    const ids = [...new Set(found.flatMap((each) => (each.title === title ? [each.product] : [])))];
    return { verdict, note: `the signature is right as ${title} (--product ${ids.join(" or ")})` };
  });
}

function unreadable(payload: InputPayload, reason: string): VerifiedPayload {
  const receipt = { ...emptyReceipt, product: payload.product, problem: { status: 400, reason } } as const;
  return { receipt, delivery: payload.delivery, format: undefined, outcome: "invalid", notes: [] };
}

/**
 * With `Leads.create` named, a body of `Visits.create` does not match, though the schema of their family fits both. The
 * name of the family matches all of them.
 */
function asNamedEvent(receipt: Receipt, format: Format | undefined, delivery: Delivery): Receipt {
  const { event, payload, schema } = receipt;
  if (format === undefined || event === undefined || payload === undefined || schema === undefined) return receipt;
  const family = findEvent(format, event)?.event;
  const received = format.body.recognise(payload, delivery);
  // A body that does not name its event does not contradict the name either.
  if (family === undefined || family.name === event || received === undefined) return receipt;
  if (familyMember(family, received) === undefined || received.toLowerCase() === event.toLowerCase()) return receipt;
  const issue = { path: [], at: "", expected: event, received };
  return { ...receipt, schema: { ok: false, issues: [issue, ...schema.issues] } };
}

/**
 * A body that cannot be parsed may still have a signature: Zoho Sign's published example is over a body that is not JSON.
 * Undefined where none was given.
 */
function verifyUnreadable(
  receipt: Receipt,
  product: Product,
  { payload, signature, secrets, now, limits }: VerifyPayloadInput,
): VerifiedPayload | undefined {
  const isGiven = (header: string): boolean =>
    signature !== undefined || headerValue(payload.delivery, header) !== undefined;
  const tried = product.formats.flatMap((format) => {
    const proofs = format.proofs.filter(
      ({ proves, header }) => proves === "body" && header !== undefined && isGiven(header),
    );
    if (proofs.length === 0) return [];
    const delivery =
      signature === undefined ? payload.delivery : withHeader(payload.delivery, signatureHeader(format), signature);
    const input = { delivery, payload: UNREAD, secrets, now: payload.at ?? now, limits };
    return [{ format, delivery, verdicts: proofs.map((proof) => verifyProof(proof, product, input)) }];
  });
  if (tried.length === 0 && signature === undefined) return undefined;
  const passed = tried.find(({ verdicts }) => verdicts.some(({ verdict }) => verdict === "passed"));
  const { format, delivery = payload.delivery, verdicts = [] } = passed ?? tried[0] ?? {};
  return {
    receipt: { ...receipt, verdicts },
    delivery,
    format,
    outcome: failureOf(verdicts) ?? "invalid",
    notes: [...(tried.length === 0 ? [UNKNOWN_SCHEME] : []), ...addressNote(verdicts, [format], delivery)],
  };
}

/** The format of the verdicts, if there are any: its proof was there. */
function formatOf(receipt: Receipt, products: readonly Product[], named: Product | undefined): Format | undefined {
  const product = named ?? products.find((each) => each.id === receipt.product);
  const known = product?.formats.find((format) => format.id === receipt.format);
  const isVerified = ({ proofs }: Format): boolean =>
    receipt.verdicts.some(({ id }) => proofs.some((each) => each.id === id));
  if (known !== undefined && (receipt.verdicts.length === 0 || isVerified(known))) return known;
  return product?.formats.find(isVerified) ?? known ?? named?.formats[0];
}

/** The body's own format, or for an unknown envelope any of its product, custom ones first. */
function signableFormats(
  product: Product | undefined,
  { format, custom }: Receipt,
  guessed: Format,
): readonly Format[] {
  const signing = (product?.formats ?? []).filter(({ proofs }) => proofs.some(({ header }) => header !== undefined));
  if ((format !== undefined && !custom) || signing.length === 0) return [guessed];
  const customFirst = ({ body }: Format): number => (body.customEvent === undefined ? 0 : 1);
  return signing.toSorted((a, b) => customFirst(b) - customFirst(a));
}

/** The first delivery with a proof that passes, or else the first; there is at least one. */
function firstPassed(tried: readonly Delivery[], receiptOf: (delivery: Delivery) => Receipt): Delivery {
  const passed = tried.find((each) => receiptOf(each).verdicts.some(({ verdict }) => verdict === "passed"));
  return passed ?? (tried[0] as Delivery);
}

/** The header of a signature over the body; else, as for Desk's token, the only header with a proof of the sender. */
function signatureHeader(format: Format, foreign?: string): string {
  const inHeaders = format.proofs.flatMap(({ proves, header }) => (header === undefined ? [] : [{ proves, header }]));
  const [first, second] = inHeaders;
  const chosen = inHeaders.find(({ proves }) => proves === "body") ?? (second === undefined ? first : undefined);
  if (chosen !== undefined) return chosen.header;
  throw usageError(
    `--signature: deliveries in this format (${format.id}) have no signature in a header`,
    foreign !== undefined
      ? foreign
      : format.proofs.length === 0
        ? "this format has no signature and no token"
        : `it has: ${format.proofs.map((each) => each.title).join(", ")}`,
  );
}

function headerOf(format: Format | undefined, id: string): string | undefined {
  return format?.proofs.find((proof) => proof.id === id)?.header;
}

/** A bare body comes without headers: a proof in a header is not checked, which is no failure. */
function absentWithoutHeader(verdict: Verdict, format: Format | undefined, delivery: Delivery): Verdict {
  const header = headerOf(format, verdict.id);
  if (header === undefined || headerValue(delivery, header) !== undefined) return verdict;
  return { ...verdict, verdict: "absent", reason: `not checked: add --signature <value of ${header}>` };
}

function outcomeOf(receipt: Receipt, isKeyMissing: boolean): VerifyOutcome {
  const { verdicts, handshake, known, custom, schema } = receipt;
  const failure = failureOf(verdicts);
  if (failure !== undefined) return failure;
  if (handshake !== undefined) return "valid";
  if (!known || (!custom && schema?.ok !== true)) return "invalid";
  if (isKeyMissing) return "no_key";
  return custom ? "custom" : "valid";
}

function failureOf(verdicts: readonly Verdict[]): "wrong_signature" | "missing_signature" | undefined {
  const result = senderResult(verdicts);
  return result === "wrong_signature" || result === "missing_signature" ? result : undefined;
}

const MASKED_NOTE =
  "its secrets are masked, so it cannot be checked: list it with zoho-hooks events list --json --show-secrets";

const MASK_FORMS = [MASK, encodeURIComponent(MASK)];

function containsMask({ headers, body }: Delivery): boolean {
  return headers.some(([, value]) => value.includes(MASK)) || MASK_FORMS.some((form) => body.includes(form));
}

/** The outcome stays a failure, or a forgery would pass by containing the mask. */
function uncheckable(verdict: Verdict): Verdict {
  if (verdict.verdict !== "failed") return verdict;
  return { ...verdict, verdict: "absent", reason: "not checked: secrets are masked in this payload" };
}

/** Note where a format was named and no product: the receipt has no hint then. */
function formatNote({ product, payload, handshake }: Receipt, input: VerifyPayloadInput): readonly string[] {
  if (product !== undefined || payload === undefined || handshake !== undefined) return [];
  const { all: products, event } = input;
  const other = recogniseAny({ products, event, delivery: input.payload.delivery, payload });
  return other === undefined ? [] : [otherFormatHint(other)];
}

function ambiguityNote(receipt: Receipt): readonly string[] {
  const ambiguity = ambiguityText(receipt);
  return ambiguity === undefined ? [] : [`${ambiguity}: name the product with --product`];
}

/** Says that a token is not Zoho's: no key is right for it. */
function sampleNote({ payload }: Receipt, verdicts: readonly Verdict[]): readonly string[] {
  if (payload === undefined || !hasSampleToken(payload) || !verdicts.some(({ id }) => id === bodyToken.id)) return [];
  return [
    `it carries the token of a sample, ${PLACEHOLDER}, not one of Zoho's: with ZOHO_WEBHOOK_TOKEN set, zoho-hooks send puts yours in its place`,
  ];
}

/** Says where to give a schema for a custom body. */
function schemaNote({ custom, product }: Receipt, format: Format | undefined): readonly string[] {
  if (!custom || format?.setup?.settings?.includes("schema") !== true) return [];
  return [`to check its shape, put "products": { "${product}": { "schema": "your.schema.json" } } in the config`];
}

/** The likeliest cause where a signature covers a query that is not known. */
function addressNote(
  verdicts: readonly Verdict[],
  formats: readonly (Format | undefined)[],
  delivery: Delivery,
): readonly string[] {
  const isUnknown = formats.some((format) => format?.proofs.some((proof) => isQueryUnknown(proof, delivery)));
  return isUnknown && has("failed", verdicts) ? [`${QUERY_UNKNOWN.meaning}: ${QUERY_UNKNOWN.remedy}`] : [];
}

/** Whether a proof covers a query that a bare body does not have. */
export function isQueryUnknown({ coversQuery = false }: Proof, { url }: Delivery): boolean {
  return coversQuery && url === NO_ADDRESS;
}

export const QUERY_UNKNOWN = {
  meaning: "the signature also covers the query of the URL, which is not known here",
  remedy: "pass the URL that it was sent to with --url",
} as const;
