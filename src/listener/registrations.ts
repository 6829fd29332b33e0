import { channelEvents } from "../channels/channel-events.ts";
import { findWatchProduct, isWatchProduct, type WatchProduct, watchProductIds } from "../channels/watch-products.ts";
import { findProduct, nearestProduct, productId } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import { products as knownProducts } from "../products/index.ts";
import { UserError, usageError } from "../util/errors.ts";
import { readWebhookEvents } from "../zoho-webhooks/events.ts";
import { managedProducts, requireManagedProduct } from "../zoho-webhooks/index.ts";
import type { ManagedProduct } from "../zoho-webhooks/product-api.ts";
import type { ListenContext } from "./lines.ts";

/** What Zoho is to post here while `listen` runs, for one product. */
export type Registration =
  | { readonly kind: "channel"; readonly product: WatchProduct; readonly events: readonly string[] }
  | { readonly kind: "webhook"; readonly product: ManagedProduct; readonly events: readonly string[] };

/** Texts such as `desk:Ticket_Add,sign:*`, and the name of the flag or setting that they are of. */
interface RegisterTexts {
  readonly name: string;
  readonly texts: readonly string[];
  /** The product of an event that names none. */
  readonly product?: string;
}

/** Reads the values of `--register`, and of `--channel`, its short form for CRM. Throws a usage error for what cannot be registered. */
export function readRegistrations(
  context: ListenContext,
  products: readonly Product[],
  given: readonly RegisterTexts[],
): readonly Registration[] {
  const words = given.flatMap(wordsOf);
  const ids = [...new Set(words.map(({ id }) => id))];
  return ids.map((id) => {
    const own = words.filter((word) => word.id === id);
    const [{ name } = { name: "" }] = own;
    const events = own.map(({ event }) => event);
    const registration = registrationOf(context, id, name, events);
    const { title } = registration.product;
    if (findProduct(products, id) !== undefined) return registration;
    throw usageError(`listen cannot receive from ${title}, so ${name} cannot be used for it`);
  });
}

/** An event without a product is of the same product as the one before it. */
function wordsOf({ name, texts, product }: RegisterTexts) {
  let last = product;
  const words = texts.flatMap((text) => text.split(",")).map((word) => word.trim());
  return words.flatMap((word) => {
    if (word === "") return [];
    const [, given, event = ""] = /^(?:([^:]*):)?(.*)$/s.exec(word) ?? [];
    last = given === undefined ? last : productId(given.trim()).toLowerCase();
    if (last !== undefined) return [{ id: last, event: event.trim(), name }];
    throw usageError(
      `${name}: ${JSON.stringify(word)} names no product`,
      "put the product before it, such as crm:Leads.create or desk:Ticket_Add",
    );
  });
}

function registrationOf(context: ListenContext, id: string, name: string, events: readonly string[]): Registration {
  const known = findProduct(knownProducts, id);
  if (known === undefined) throw unknownProduct(id, name);
  try {
    if (isWatchProduct(id))
      return { kind: "channel", product: findWatchProduct(id), events: channelEvents(id, events) };
    const product = requireManagedProduct(id, known.title, REGISTERED);
    // Before a secret is stored for what Zoho would reject.
    const refuses = product.secret !== undefined;
    if (product.rules === undefined)
      return { kind: "webhook", product, events: readWebhookEvents(context, product, events, refuses) };
    const [module = product.events.known?.[0]] = events.filter((each) => /^\w+$/.test(each));
    throw usageError(
      `a webhook of ${product.title} fires only if a workflow rule calls it, and listen adds no rules to your organisation`,
      `create both yourself: ${context.invocation} webhooks create ${module} --product ${id} --rule ${product.rules.kinds[0]}`,
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw usageError(`${name}: ${error.message}`, error.hint);
  }
}

const registeredIds = [
  ...watchProductIds,
  ...managedProducts.filter(({ rules }) => rules === undefined).map(({ id }) => id),
];
const REGISTERED = `listen registers ${registeredIds.join(", ")}`;

function unknownProduct(id: string, name: string): Error {
  const near = nearestProduct(knownProducts, id);
  return usageError(
    `${name}: there is no product ${JSON.stringify(id)}`,
    `${near === undefined ? "" : `did you mean ${near}? `}${REGISTERED}`,
  );
}
