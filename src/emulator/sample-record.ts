import type { ApiRecord } from "./answer.ts";
import { memberOf } from "./state.ts";

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
/** A request of Sign changes by what somebody does with it. */
const STEPS: Readonly<Record<string, object>> = { "sign requests": { action: "submit" } };

/** What a person begins with to create or to change a record. `newest` finds the one that it refers to. */
export function beginningsOf(product: string, module: string, newest: (module: string) => ApiRecord | undefined) {
  const named = { [`${module.replace(/s$/, "")}_Name`]: "Example" };
  const fields = Object.entries(memberOf(SAMPLES, `${product} ${module}`) ?? memberOf(SAMPLES, module) ?? named);
  const filled = fields.map(([name, value]) => {
    const target = memberOf(REFERENCES, name);
    return [name, target === undefined ? value : (newest(target)?.id ?? value)] as const;
  });
  return { create: Object.fromEntries(filled), change: memberOf(STEPS, `${product} ${module}`) ?? {} };
}
