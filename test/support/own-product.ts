import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { folderWith } from "./files.ts";

/** A project with a product of the user's own: two events told by a path in the body, signed with an HMAC. */
export const SHOP = {
  "zoho-hooks.config.json": JSON.stringify({ products: { shop: { path: "webhooks/shop" } } }),
  "webhooks/shop/product.json": JSON.stringify({
    title: "The shop",
    event: "meta.type",
    events: { "order.created": "An order came in" },
    records: "order.id",
    signature: { header: "X-Shop-Signature", prefix: "sha256=" },
  }),
  "webhooks/shop/fixtures/order.created.json": JSON.stringify({
    meta: { type: "order.created" },
    order: { id: "4150868000000002179", total: 12.5, lines: [{ sku: "A-1", count: 2 }] },
  }),
  "webhooks/shop/fixtures/order.paid.json": JSON.stringify({
    meta: { type: "order.paid" },
    order: { id: "4150868000000002179", total: 12.5 },
  }),
  "webhooks/shop/schemas/order.created.json": JSON.stringify({
    type: "object",
    required: ["meta", "order"],
    properties: {
      order: {
        type: "object",
        required: ["id", "total"],
        properties: {
          id: { type: "integer" },
          total: { type: "number", minimum: 0 },
          lines: { type: "array", items: { $ref: "#/$defs/line" } },
        },
      },
    },
    $defs: { line: { type: "object", required: ["sku"], properties: { sku: { type: "string" } } } },
  }),
} as const;

export function shopProject(files: Readonly<Record<string, string>> = {}): string {
  return folderWith({ ...SHOP, ...files });
}

/** With zod installed, as in the project of a user whose schemas are written with it. */
export function projectWithZod(files: Readonly<Record<string, string>>): string {
  const cwd = folderWith({ ...files, "node_modules/.keep": "" });
  symlinkSync(join(import.meta.dirname, "../../node_modules/zod"), join(cwd, "node_modules/zod"), "junction");
  return cwd;
}
