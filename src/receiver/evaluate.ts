import { BlockList, isIP } from "node:net";
import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import { isEmpty } from "../delivery/payload.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { acceptsMethod, type Limits, type Product, type Verdict } from "../model/product.ts";
import { emptyReceipt, type Receipt } from "../model/receipt.ts";
import { has, makeVerdict } from "../model/verdict.ts";
import { evaluateSecretOffer, type SecretOffer } from "../recognition/handshake.ts";
import { receive } from "../recognition/receive.ts";
import { type Decision, decideReply, type ReplyPolicy, refuse } from "../recognition/reply.ts";
import { UNKNOWN_KEY } from "../signatures/keys.ts";
import { usageError } from "../util/errors.ts";
import type { WebhookRoute } from "./routes.ts";

export interface EvaluateOptions {
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly policy: ReplyPolicy;
  readonly limits?: Limits;
  /** Undefined to accept deliveries from every address. */
  readonly allowed: AddressList | undefined;
}

export interface Arrival {
  readonly delivery: Delivery;
  /** The address of the peer, or of the sender as the tunnel reports it. */
  readonly address: string | undefined;
  /** Sent by a page in a browser to this machine itself. */
  readonly isFromPage: boolean;
  readonly at: Date;
}

export interface Evaluation {
  readonly receipt: Receipt;
  readonly decision: Decision;
  /** A secret that came with the delivery, to be saved before the answer. */
  readonly offered?: Extract<SecretOffer, { action: "keep" }> | undefined;
}

/** Identifies a delivery and decides the answer: by its path, sender, method and address, then by its content. Pure. */
export function evaluate(arrival: Arrival, found: WebhookRoute, options: EvaluateOptions): Evaluation {
  const { delivery, address, isFromPage, at } = arrival;
  const { products, secrets, policy, allowed, limits } = options;
  if (found.kind === "unknown") return { receipt: emptyReceipt, decision: refuse(404, found.reason) };
  const { product } = found;
  const expected = product === undefined ? products : [product];
  const rejectedUnparsed = (decision: Decision) => ({ receipt: { ...emptyReceipt, product: product?.id }, decision });
  // Whatever the policy: a secret that a page offers would be saved.
  if (isFromPage) return rejectedUnparsed(refuse(403, PAGE_REASON));
  if (!expected.some(({ formats }) => formats.some((format) => acceptsMethod(format, delivery.method))))
    return rejectedUnparsed(rejectMethod(delivery.method, expected));
  const sender = allowed === undefined ? [] : [verifyAddress(allowed, address)];
  const schemas = policy.schema !== "off";
  const customSchemas = customSchemasFor(policy, sender);
  const received = receive({ products, product, delivery, secrets, now: at, schemas, customSchemas, limits });
  const { payload } = received;
  // A probe that no format answers, by a method that only some format accepts.
  const isProbe = product === undefined || payload === undefined || isEmpty(payload);
  if (delivery.method !== "POST" && isProbe && received.handshake === undefined && received.format === undefined)
    return { receipt: received, decision: rejectMethod(delivery.method, expected) };
  const receipt = sender.length === 0 ? received : { ...received, verdicts: [...sender, ...received.verdicts] };
  const offer =
    payload === undefined
      ? undefined
      : evaluateSecretOffer({ products: expected, delivery, payload, secrets, now: at });
  if (offer?.action === "refuse") return { receipt, decision: refuse(401, offer.reason) };
  const decision = decideReply(receipt, policy);
  return { receipt, decision, offered: decision.accepted ? offer : undefined };
}

/** A stranger must not make a user's own schema run, unless the schema alone decides what is accepted. */
function customSchemasFor({ onInvalid, schema }: ReplyPolicy, sender: readonly Verdict[]): boolean | undefined {
  if (onInvalid === "warn" && schema === "enforce") return true;
  return has("failed", sender) ? false : undefined;
}

const PAGE_REASON = "a web page in a browser posted this, not Zoho: to test by hand, use zoho-hooks send or curl";

function rejectMethod(method: string, products: readonly Product[]): Decision {
  const others = products.flatMap(({ formats }) => formats.flatMap((format) => format.sender?.methods ?? []));
  const accepted = [...new Set(["POST", ...others])];
  const allow = accepted.join(", ");
  const without = accepted.includes(method) ? " without an event" : "";
  const { reply, ...decision } = refuse(405, `${method} is not allowed${without}: this URL accepts ${allow}`);
  return { ...decision, reply: { ...reply, headers: [["allow", allow]] } };
}

/** The product whose public keys lack the one that a delivery names: Zoho may have added it since they were fetched. */
export function productOfUnknownKey({ receipt: { product, verdicts } }: Evaluation): string | undefined {
  return verdicts.some(({ match }) => match === UNKNOWN_KEY) ? product : undefined;
}

/**
 * Whether a page made a browser send a request. Any page may post to this machine, and one whose name resolves to it by
 * then (DNS rebinding) with any header. Browsers add headers that a page cannot leave out: `Sec-Fetch-Site` to
 * `localhost`, where `none` is a person who typed the address, and `Origin` in every POST, to other names too.
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header https://fetch.spec.whatwg.org/#origin-header
 */
export function isFromPage(headers: readonly HeaderPair[]): boolean {
  return headers.some(([name, value]) => {
    const lower = name.toLowerCase();
    return lower === "origin" || (lower === "sec-fetch-site" && value !== "none");
  });
}

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

const SOURCE = { id: "source-address", proves: "nothing" } as const;

/** From an allowed address anybody may send, such as any customer of Zoho. */
function verifyAddress(list: AddressList, address: string | undefined): Verdict {
  if (address === undefined) return makeVerdict(SOURCE, "failed", "the sender's address is unknown");
  const shown = unmapped(address);
  return list.has(address)
    ? makeVerdict(SOURCE, "passed", `${shown} is on the list`)
    : makeVerdict(SOURCE, "failed", `${shown} is not on the list of allowed addresses`);
}
