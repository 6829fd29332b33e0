import { usageError } from "../util/errors.ts";

function each(operations: readonly string[], scope: string): readonly string[] {
  return operations.map((operation) => `${scope}.${operation}`);
}

const READ_CREATE_DELETE = ["READ", "CREATE", "DELETE"];

/**
 * The scopes that `login` asks for with a product: what `channels` and `webhooks` need of it. Zoho names each on the page of
 * the call; https://www.zoho.com/accounts/protocol/oauth/scope.html says what a scope is.
 */
export const LOGIN_SCOPES = {
  crm: [
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.settings.modules.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.modules.READ",
  ],
  bigin: ["ZohoBigin.notifications.ALL"],
  recruit: each(["READ", "CREATE", "UPDATE", "DELETE"], "ZohoRecruit.notifications"),
  desk: [
    ...READ_CREATE_DELETE.flatMap((operation) => [`Desk.settings.${operation}`, `Desk.events.${operation}`]),
    ...each(READ_CREATE_DELETE, "Desk.webhooks"),
    "Desk.basic.READ",
  ],
  books: each(READ_CREATE_DELETE, "ZohoBooks.settings"),
  inventory: each(READ_CREATE_DELETE, "ZohoInventory.settings"),
  sign: ["ZohoSign.account.ALL"],
  salesiq: ["SalesIQ.webhooks.READ", "SalesIQ.webhooks.CREATE", "SalesIQ.portals.READ"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const products: readonly (readonly [id: string, scopes: readonly string[]])[] = Object.entries(LOGIN_SCOPES);

/** The scopes of a product that the user names. Throws a usage error for one without a sign-in. */
export function loginScopes(product: string): readonly string[] {
  const found = products.find(([id]) => id === product.toLowerCase());
  if (found !== undefined) return found[1];
  throw usageError(
    `zoho-hooks needs no sign-in for ${JSON.stringify(product)}`,
    `products with a sign-in: ${Object.keys(LOGIN_SCOPES).join(", ")}`,
  );
}

/** The products whose scopes are all among these. */
export function productsOf(scopes: readonly string[]): readonly string[] {
  return products.filter(([, needed]) => needed.every((scope) => scopes.includes(scope))).map(([id]) => id);
}
