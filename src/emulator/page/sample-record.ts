import type { ApiRecord } from "../answer.ts";

const PERSON = { First_Name: "Mei", Last_Name: "Tanaka", Email: "mei.tanaka@example.com" };
const DEAL = { Deal_Name: "Kitchen", Stage: "Qualification", Amount: 5400 };

/** By module, or by product and module. */
const SAMPLES: Readonly<Record<string, object>> = {
  Leads: { ...PERSON, Company: "Tanaka Foods" },
  Contacts: PERSON,
  Candidates: PERSON,
  Deals: DEAL,
  Pipelines: DEAL,
  Tasks: { Subject: "Call back" },
  "desk contacts": { firstName: "Mei", lastName: "Tanaka", email: "mei.tanaka@example.com" },
  "desk tickets": { subject: "The oven does not start", departmentId: "1892000000006907", contactId: "" },
  "books contacts": { contact_name: "Tanaka Foods" },
  "books items": { name: "Oven", rate: 2400 },
  "books invoices": { customer_id: "", line_items: [{ name: "Oven", rate: 2400, quantity: 1 }] },
  "sign requests": { request_name: "Lease", actions: [{ recipient_email: "mei.tanaka@example.com" }] },
};
/** Modules whose ids stand in fields of others. */
const REFERENCES: Readonly<Record<string, string>> = { contactId: "contacts", customer_id: "contacts" };
/** What a change begins with. A request of Sign changes by what somebody does with it. */
const STEPS: Readonly<Record<string, object>> = { "sign requests": { action: "submit" } };

type Newest = (module: string) => Promise<ApiRecord | undefined>;

/** A record to begin with. `newest` finds the one that it refers to. */
export async function sampleRecord(product: string, module: string, newest: Newest): Promise<object> {
  const named = { [`${module.replace(/s$/, "")}_Name`]: "Example" };
  const fields = Object.entries(SAMPLES[`${product} ${module}`] ?? SAMPLES[module] ?? named);
  const filled = fields.map(async ([name, value]) => {
    const target = REFERENCES[name];
    return [name, target === undefined ? value : ((await newest(target))?.id ?? value)] as const;
  });
  return Object.fromEntries(await Promise.all(filled));
}

export function editedRecord(product: string, module: string, record: ApiRecord): object {
  return { ...STEPS[`${product} ${module}`], ...record };
}
