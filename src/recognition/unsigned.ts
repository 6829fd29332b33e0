import type { Secrets } from "../delivery/secrets.ts";
import { defaultFormat, type Format, GUIDE_FORMAT, type Product, type Proof } from "../model/product.ts";

/** Whether Zoho never signs a product: only the guide's format has a proof, or a fixed value that the user has added. */
export function isNeverSigned({ formats }: Pick<Product, "formats">): boolean {
  const others = formats.filter(({ id }) => id !== GUIDE_FORMAT);
  return others.length > 0 && others.every(({ proofs }) => proofs.every(({ credential }) => credential === "auth"));
}

/**
 * Whether a product's deliveries need no proof: Zoho never signs them, and its user has neither given this product a key nor
 * named the guide's format in the settings. A secret of all products does not count: it is there for those that sign.
 */
export function acceptsUnsigned(
  product: Pick<Product, "id" | "formats" | "chosenFormat">,
  secrets: Pick<Secrets, "for">,
): boolean {
  const { id, formats, chosenFormat } = product;
  if (chosenFormat === GUIDE_FORMAT || !isNeverSigned(product)) return false;
  const isOwn = ({ credential }: Proof): boolean =>
    secrets.for(credential, id).some(({ shared }) => shared !== true || credential === "auth");
  return !formats.some(({ proofs }) => proofs.some(isOwn));
}

/** The format of custom bodies, where Zoho signs none of them. */
export function unsignedCustomFormat({ formats }: Product): Format | undefined {
  return formats.find(
    ({ body, proofs }) => body.customEvent !== undefined && proofs.every(({ proves }) => proves !== "body"),
  );
}

/**
 * Whether `allowUnsigned` applies: the default format has a proof, and custom bodies come in another one that has none. What
 * Zoho never signs at all is accepted without it.
 */
export function canAllowUnsigned(product: Product): boolean {
  const custom = unsignedCustomFormat(product);
  const isOther = custom !== undefined && custom !== product.formats[0] && custom.proofs.length === 0;
  return isOther && !isNeverSigned(product);
}

/** Why deliveries are accepted without a signature. */
export const UNSIGNED_REASONS = ["no_key", "allowed", "never_signed"] as const;

/** Deliveries of a product that are accepted without a signature. */
export interface Unsigned {
  readonly product: string;
  /** `no_key`: none is set to check a signature with; `allowed`: by a setting; `never_signed`: Zoho makes none. */
  readonly reason: (typeof UNSIGNED_REASONS)[number];
  /** A part of the product's deliveries, such as `custom bodies`. */
  readonly only?: string;
}

/** Which deliveries are accepted without a signature, in the order of the products. All others need the right one. */
export function acceptedUnsigned(products: readonly Product[], secrets: Pick<Secrets, "for">): readonly Unsigned[] {
  return products.flatMap((product) =>
    isNeverSigned(product) ? unsignedByZoho(product, secrets) : unchecked(product, secrets),
  );
}

/** Of a product that Zoho never signs: nothing once the user has given it a key, which every delivery then needs. */
function unsignedByZoho(product: Product, secrets: Pick<Secrets, "for">): readonly Unsigned[] {
  const { id, formats } = product;
  if (acceptsUnsigned(product, secrets)) {
    const expectsValue = formats.some(({ proofs }) => proofs.some(({ credential }) => credential === "auth"));
    return [{ product: id, reason: expectsValue ? "no_key" : "never_signed" }];
  }
  return formats.some(isCheckedWith(product, secrets)) ? [] : [{ product: id, reason: "no_key" }];
}

function unchecked(product: Product, secrets: Pick<Secrets, "for">): readonly Unsigned[] {
  const { id, formats, allowUnsigned } = product;
  const isChecked = isCheckedWith(product, secrets);
  const open = formats.filter((format) => format.proofs.length > 0 && !isChecked(format));
  const usual = defaultFormat(product);
  const allowed: readonly Unsigned[] =
    allowUnsigned === true ? [{ product: id, reason: "allowed", only: "custom bodies" }] : [];
  if (usual !== undefined && open.includes(usual)) {
    // A channel's token is required only of deliveries that name the channel.
    const hasChannel = usual.proofs.some(({ credential }) => secrets.for(credential, id).length > 0);
    return [{ product: id, reason: "no_key", ...(hasChannel ? { only: "other channels" } : {}) }, ...allowed];
  }
  // A key for the default format is required of the others as well.
  const others = usual !== undefined && isChecked(usual) ? [] : open;
  const parts = others.map((format): Unsigned => ({ product: id, reason: "no_key", only: partOf(format) }));
  return [...parts, ...allowed];
}

function partOf({ id, body }: Format): string {
  return body.customEvent === undefined ? `format ${id}` : "custom bodies";
}

/** Whether a delivery in a format is rejected without the right signature or token. */
function isCheckedWith({ id }: Product, secrets: Pick<Secrets, "for">): (format: Format) => boolean {
  return ({ proofs }) =>
    proofs.some(({ credential }) => secrets.for(credential, id).some(({ optional }) => optional !== true));
}

const REASON_TEXTS = { no_key: "no key set", allowed: "allowed", never_signed: "never signed" };

/** `no key set: desk, mail`, a text for each reason; what the user can change first. */
export function unsignedTexts(unsigned: readonly Unsigned[]): readonly string[] {
  return UNSIGNED_REASONS.flatMap((reason) => {
    const names = unsigned
      .filter((each) => each.reason === reason)
      .map(({ product, only }) => (only === undefined ? product : `${product} (${only})`));
    return names.length === 0 ? [] : [`${REASON_TEXTS[reason]}: ${names.join(", ")}`];
  });
}
