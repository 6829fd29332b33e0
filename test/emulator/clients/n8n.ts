import { type Client, type ClientCall, calls } from "./replay.ts";

const API = "/crm/v2";
const id = "data.0.details.id";
/** Its lines, as the node adjusts them. */
const lines = { Product_Details: [{ product: { id: "{product}" }, quantity: 1 }] };

/** Each resource with the path that the node uses, its body, and the field by which it upserts. */
const RESOURCES: readonly (readonly [resource: string, path: string, body: object, key: object])[] = [
  ["account", "accounts", { Account_Name: "Acme", Account_Type: "Customer" }, { Account_Name: "Zylker" }],
  [
    "contact",
    "contacts",
    { Last_Name: "Doe", Email: "a@example.com", Mailing_City: "Austin" },
    { Email: "b@example.com", Last_Name: "Roe" },
  ],
  [
    "deal",
    "deals",
    { Deal_Name: "Big", Stage: "Qualification", Closing_Date: "2026-12-31" },
    { Deal_Name: "Small", Stage: "Closed Won" },
  ],
  [
    "lead",
    "leads",
    { Company: "Acme", Last_Name: "Doe", Skype_ID: "doe", City: "Austin" },
    { Email: "c@example.com", Company: "Acme", Last_Name: "Roe" },
  ],
  ["product", "products", { Product_Name: "Table", Unit_Price: 12.5 }, { Product_Name: "Chair" }],
  ["vendor", "vendors", { Vendor_Name: "Wood", Category: "Oak" }, { Vendor_Name: "Steel" }],
  ["invoice", "invoices", { Subject: "I", ...lines, Account_Name: { id: "{account}" } }, { Subject: "J", ...lines }],
  [
    "purchaseOrder",
    "purchase_orders",
    { Subject: "P", Vendor_Name: { id: "{vendor}" }, ...lines },
    { Subject: "Q", Vendor_Name: { id: "{vendor}" }, ...lines },
  ],
  ["quote", "quotes", { Subject: "Q", ...lines, Quote_Stage: "Draft" }, { Subject: "R", ...lines }],
  [
    "salesOrder",
    "sales_orders",
    { Account_Name: { id: "{account}" }, Subject: "S", ...lines },
    { Subject: "T", Account_Name: { id: "{account}" }, ...lines },
  ],
];
const list = (path: string): string => `GET ${API}/${path}?per_page=200&page=1`;
const OPTIONS: readonly (readonly [path: string, label: string])[] = [
  ["accounts", "Account_Name"],
  ["contacts", "Full_Name"],
  ["deals", "Deal_Name"],
  ["products", "Product_Name"],
  ["vendors", "Vendor_Name"],
];
const FIELDS = ["Accounts", "Contacts", "Deals", "Invoices", "Leads", "Products", "Vendors", "Quotes"];
/** Modules and fields of the pick lists that it offers. */
const PICK_LISTS = ["Accounts", "Deals", "Purchase_Orders", "Sales_Orders", "Quotes"];

function operations([resource, path, body, key]: (typeof RESOURCES)[number]): readonly ClientCall[] {
  return calls(
    [`${resource}: create`, `POST ${API}/${path}`, { body: { data: [body] }, reads: [id], as: resource }],
    [`${resource}: get`, `GET ${API}/${path}/{${resource}}`, { reads: ["data.0.id"] }],
    [`${resource}: getAll`, list(path), { reads: ["data.0.id", "info.more_records"] }],
    [
      `${resource}: update`,
      `PUT ${API}/${path}/{${resource}}`,
      { body: { data: [{ Description: "d" }] }, reads: [id] },
    ],
    [`${resource}: upsert`, `POST ${API}/${path}/upsert`, { body: { data: [key] }, reads: [id], as: `${resource}2` }],
    [`${resource}: delete`, `DELETE ${API}/${path}/{${resource}2}`, { reads: [id] }],
  );
}

/** The Zoho CRM node. */
export const n8n: Client = {
  name: "n8n, Zoho CRM node",
  source: "n8n-nodes-base 2.41.2, dist/nodes/Zoho",
  scheme: "Bearer",
  calls: [
    ...RESOURCES.flatMap(operations),
    ...calls(["lead: getFields", `GET ${API}/settings/fields?module=leads`, { reads: ["fields.0.api_name"] }]),
    ...OPTIONS.flatMap(([path, label]) =>
      calls([`options of ${path}`, list(path), { reads: [`data.0.${label}`, "data.0.id"] }]),
    ),
    ...FIELDS.flatMap((module) =>
      calls([
        `fields of ${module}`,
        `GET ${API}/settings/fields?module=${module}`,
        { reads: ["fields.0.field_label"] },
      ]),
    ),
    ...PICK_LISTS.flatMap((module) =>
      calls([
        `pick lists of ${module}`,
        `GET ${API}/settings/layouts?module=${module}`,
        { reads: ["layouts.0.sections.0.api_name", "layouts.0.sections.0.fields.0.pick_list_values"] },
      ]),
    ),
  ],
};
