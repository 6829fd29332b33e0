import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { WebhookEvent } from "../../src/model/product.ts";
import { books } from "../../src/products/books.ts";
import { crm } from "../../src/products/crm.ts";
import { desk } from "../../src/products/desk/index.ts";
import { fixturesFolder } from "../support/fixture-cases.ts";

/** Returns the event with its literal name: the compiler checks names and fields, the test the values. */
function eventOf<Event extends WebhookEvent, const Name extends Event["name"]>(events: readonly Event[], name: Name) {
  const found = events.find((each): each is Extract<Event, { readonly name: Name }> => each.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

function fixture(path: string): unknown {
  return JSON.parse(readFileSync(join(fixturesFolder, path), "utf8"));
}

it("knows the fields of an event from its name", () => {
  const lead = eventOf(crm.formats[0].events, "Leads.create").schema.parse(fixture("crm/guide/Leads.create.json"));
  const operation: "create" = lead.operation;
  const lastName: string = lead.data.Last_Name;
  expect([operation, lastName]).toEqual(["create", "Tanaka"]);

  const invoice = eventOf(books.formats[0].events, "invoice_created").schema.parse(
    fixture("books/guide/invoice_created.json"),
  );
  const total: number = invoice.data.total;
  expect(total).toBe(1250);

  const comment = eventOf(desk.formats[0].events, "Ticket.Comment.Added").schema.parse(
    fixture("desk/guide/Ticket.Comment.Added.json"),
  );
  const content: string = comment.comment.content;
  expect(content).toContain("PDF");
});

it("rejects an unknown name", () => {
  // @ts-expect-error: a misspelt name is also a compile error.
  expect(() => eventOf(crm.formats[0].events, "Leads.creat")).toThrow("there is no Leads.creat");
});
