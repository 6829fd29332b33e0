import { BlockList, isIP } from "node:net";
import type { Delivery, HeaderPair } from "../body/delivery.ts";
import { isEmpty } from "../body/payload.ts";
import type { Secrets } from "../body/secret.ts";
import { evaluateSecretOffer, type SecretOffer } from "../core/handshake.ts";
import { acceptsMethod, type Limits, type Product, type Verdict } from "../core/product.ts";
import { UNKNOWN_KEY } from "../core/proofs/keys.ts";
import { makeVerdict } from "../core/proofs/verdict.ts";
import { emptyReceipt, type Receipt, receive } from "../core/receive.ts";
import { type Decision, decideReply, type ReplyPolicy, refuse } from "../core/reply.ts";
import { usageError } from "../util/errors.ts";
import type { WebhookRoute } from "./routes.ts";

interface EvaluateOptions {
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly policy: ReplyPolicy;
  readonly limits?: Limits | undefined;
  /** Undefined to take deliveries from anywhere. */
  readonly allowed: AddressList | undefined;
}

export interface Arrival {
  readonly delivery: Delivery;
  /** The peer's address, or what the tunnel says of it. */
  readonly address: string | undefined;
  /** A page in a browser has sent it, to this machine itself. */
  readonly isFromPage: boolean;
  readonly at: Date;
}

export interface Evaluation {
  readonly receipt: Receipt;
  readonly decision: Decision;
  /** A secret that came with the delivery and is to be kept before it is answered. */
  readonly shouldRecord?: Extract<SecretOffer, { action: "keep" }> | undefined;
}

/** What a delivery is and how it is answered: by its path, its sender, its method, its address, then by itself. Pure. */
function evaluate(
  { delivery, address, isFromPage, at }: Arrival,
  found: WebhookRoute,
  options: EvaluateOptions,
): Evaluation {
  const { products, secrets, policy, allowed } = options;
  if (found.kind === "unknown") return { receipt: emptyReceipt, decision: refuse(404, found.reason) };
  const product = found.product?.id;
  // Whatever the policy: a secret that it hands over would be kept, and what it says is nobody's delivery.
  if (isFromPage) return { receipt: { ...emptyReceipt, product }, decision: refuse(403, PAGE_REASON) };
  const expected = found.product === undefined ? products : [found.product];
  if (!expected.some(({ formats }) => formats.some((format) => acceptsMethod(format, delivery.method))))
    return { receipt: { ...emptyReceipt, product }, decision: refuseMethod(delivery.method, expected) };
  const source = allowed === undefined ? [] : [evaluateAddress(allowed, address)];
  const receipt = receive({
    products,
    product: found.product,
    delivery,
    secrets,
    now: at,
    schemas: policy.schema !== "off",
    limits: options.limits,
  });
  // A probe that nobody answers to, by a method that some other format comes by.
  const isProbe = found.product === undefined || receipt.payload === undefined || isEmpty(receipt.payload);
  if (delivery.method !== "POST" && isProbe && receipt.handshake === undefined && receipt.format === undefined)
    return { receipt, decision: refuseMethod(delivery.method, expected) };
  const complete = source.length === 0 ? receipt : { ...receipt, verdicts: [...source, ...receipt.verdicts] };
  const decision = decideReply(complete, policy);
  const { payload } = receipt;
  const offer =
    payload === undefined
      ? undefined
      : evaluateSecretOffer({ products: expected, delivery, payload, secrets, now: at });
  if (offer?.action === "refuse") return { receipt: complete, decision: refuse(401, offer.reason) };
  return { receipt: complete, decision, shouldRecord: decision.accepted ? offer : undefined };
}

function refuseMethod(method: string, products: readonly Product[]): Decision {
  const others = products.flatMap(({ formats }) => formats.flatMap((format) => format.methods ?? []));
  const { reply, ...decision } = refuse(405, `${method} is not allowed: Zoho's webhooks are posted`);
  return { ...decision, reply: { ...reply, headers: [["allow", [...new Set(["POST", ...others])].join(", ")]] } };
}

export interface KeyOptions extends EvaluateOptions {
  /** Fetches the public keys of a product anew; resolves soon, and to whether there are other ones now. */
  renewKeys?(product: string): Promise<boolean>;
}

/**
 * Judges a delivery, once more where its key was not known and the keys have changed since they were fetched. A promise
 * only where that is so: nearly no delivery has to wait.
 */
export function evaluateWithKeys(
  arrival: Arrival,
  found: WebhookRoute,
  options: KeyOptions,
): Evaluation | Promise<Evaluation> {
  const first = evaluate(arrival, found, options);
  const { product, verdicts } = first.receipt;
  if (product === undefined || !verdicts.some(({ match }) => match === UNKNOWN_KEY)) return first;
  return judgeAgain(first, product, arrival, found, options);
}

async function judgeAgain(
  first: Evaluation,
  product: string,
  arrival: Arrival,
  found: WebhookRoute,
  options: KeyOptions,
): Promise<Evaluation> {
  return (await options.renewKeys?.(product)) === true ? evaluate(arrival, found, options) : first;
}

const PAGE_REASON =
  "a page in a browser posted this, and Zoho's servers are no browsers: to try something out use zoho-hooks send, or curl";

/**
 * Whether a page has made a browser send a request. Any page may post to this machine, and one whose name leads here by
 * then (DNS rebinding) with any header. A browser says so: with `Sec-Fetch-Site` to `localhost`, where `none` is a person
 * who has typed the address, and with `Origin` in whatever it posts, to other names too. No page can leave them out.
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header https://fetch.spec.whatwg.org/#origin-header
 */
export function isFromPage(headers: readonly HeaderPair[]): boolean {
  // On the way of every event: most names differ in length already.
  for (const [name, value] of headers) {
    if (name.length === 6 && name.toLowerCase() === "origin") return true;
    if (name.length === 14 && name.toLowerCase() === "sec-fetch-site" && value !== "none") return true;
  }
  return false;
}

/**
 * The address ranges that the Webhooks Guide for Zoho APIs 1.0 names ("Method 2: IP Whitelist"). Its own comment says
 * that there are others: a delivery from elsewhere may well be Zoho's.
 */
export const GUIDE_RANGES: readonly string[] = ["103.234.239.0/24", "203.115.111.0/24"];

export interface AddressList {
  readonly ranges: readonly string[];
  has(address: string): boolean;
}

/** Addresses and CIDR ranges of both families: `103.234.239.0/24`, `::1`. */
export function addressList(ranges: readonly string[]): AddressList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return {
    ranges,
    has(address) {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
    },
  };
}

function addRange(list: BlockList, range: string): void {
  const [address = "", prefix, ...rest] = range.trim().split("/");
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const valid =
    family !== 0 && rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
  if (!valid)
    throw usageError(
      `--allow-ip ${JSON.stringify(range)} is not an address or a CIDR range`,
      "write it as 203.0.113.7 or 203.0.113.0/24",
    );
  list.addSubnet(address, prefix === undefined ? bits : Number(prefix), family === 6 ? "ipv6" : "ipv4");
}

/** A dual-stack socket shows an IPv4 peer as `::ffff:127.0.0.1`. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

const SOURCE = { id: "source-address", proves: "sender" } as const;

/** Whether a delivery comes from where it may. An address proves the sender at best, never the body. */
function evaluateAddress(list: AddressList, address: string | undefined): Verdict {
  if (address === undefined) return makeVerdict(SOURCE, "failed", "the sender's address is not known");
  const shown = unmapped(address);
  return list.has(address)
    ? makeVerdict(SOURCE, "passed", `${shown} is on the list`)
    : makeVerdict(SOURCE, "failed", `${shown} is not on the list of allowed addresses`);
}
