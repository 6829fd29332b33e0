import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fixturesFolder } from "../support/fixture-cases.ts";

/** The keys of the bodies that the guide prints, in its order, under "Webhook Payload Structure". */
const printed: readonly (readonly [string, unknown])[] = [
  [
    "crm/guide/Leads.create.json",
    {
      module: "",
      operation: "",
      resource_uri: "",
      ids: [""],
      token: "",
      channel: { id: "", expiry_time: "" },
      data: {
        Owner: { name: "", id: "" },
        Company: "",
        Email: "",
        Last_Name: "",
        First_Name: "",
        Lead_Status: "",
        id: "",
        Created_Time: "",
      },
    },
  ],
  [
    "desk/guide/Ticket.Create.json",
    {
      event: "",
      orgId: "",
      ticketId: "",
      ticket: {
        ticketNumber: "",
        subject: "",
        departmentId: "",
        contactId: "",
        email: "",
        status: "",
        priority: "",
        createdTime: "",
      },
    },
  ],
  [
    "books/guide/invoice_created.json",
    {
      event: "",
      organization_id: "",
      data: {
        invoice_id: "",
        invoice_number: "",
        customer_id: "",
        customer_name: "",
        total: 0,
        status: "",
        date: "",
      },
    },
  ],
  [
    "subscriptions/guide/subscription_created.json",
    {
      event: "",
      subscription: {
        subscription_id: "",
        subscription_number: "",
        customer_id: "",
        plan_code: "",
        status: "",
        created_time: "",
        next_billing_at: "",
      },
    },
  ],
  [
    "forms/guide/form_submitted.json",
    {
      form_link_name: "",
      submission_id: "",
      submitted_time: "",
      fields: [
        { field_name: "", field_value: "" },
        { field_name: "", field_value: "" },
        { field_name: "", field_value: "" },
      ],
    },
  ],
];

it.each(printed)("has the keys, types and order of the guide in %s", (path, shape) => {
  const emptied: unknown = JSON.parse(readFileSync(join(fixturesFolder, path), "utf8"), (_key, value: unknown) => {
    if (typeof value === "string") return "";
    return typeof value === "number" ? 0 : value;
  });
  expect(JSON.stringify(emptied)).toBe(JSON.stringify(shape));
});
