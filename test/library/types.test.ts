import { describe, expect, expectTypeOf, it } from "vitest";
import { createHandler, type EventName, fixture, type SchemaIssue, type Signature } from "../../src/library/index.ts";

describe("the name of a sample", () => {
  it("is one of the format's", () => {
    // @ts-expect-error: Desk's guide has no such event.
    expect(() => fixture("desk", "Ticket_Add", { format: "guide" })).toThrow(TypeError);
    // @ts-expect-error: nor does its wire format have an event of the guide's.
    expect(() => fixture("desk", "Ticket.Create", { format: "wire" })).toThrow(TypeError);
    expect(fixture("desk", "Ticket_Add", { format: "wire" })[0].eventType).toBe("Ticket_Add");
  });

  it("is suggested by editors although a family includes it", () => {
    const suggested: Extract<EventName<"crm">, "Leads.create"> = "Leads.create";
    expectTypeOf(suggested).toEqualTypeOf<"Leads.create">();
    const ofFamily: EventName<"crm"> = "Invoices.create";
    expect(fixture("crm", ofFamily)).toMatchObject({ module: "Invoices" });
  });
});

it("an event of a handler has the type of its payload once it is ok", () => {
  createHandler("crm", { token: "t" }, (event) => {
    expectTypeOf(event.name).toEqualTypeOf<string | null>();
    expectTypeOf(event.records).toEqualTypeOf<readonly string[]>();
    expectTypeOf(event.reason).toEqualTypeOf<string | undefined>();
    expectTypeOf(event.payload).toEqualTypeOf<unknown>();
    if (!event.ok) {
      expectTypeOf(event.issues).toEqualTypeOf<readonly SchemaIssue[]>();
      expectTypeOf(event.body).toEqualTypeOf<Buffer>();
      expectTypeOf(event.format).toEqualTypeOf<"guide" | "wire" | "workflow" | null>();
    } else if (event.event === "Leads.create" && event.format === "guide") {
      expectTypeOf(event.payload.data.Last_Name).toEqualTypeOf<string>();
      expectTypeOf(event.known).toEqualTypeOf<true>();
    }
  });
});

it("the cause of a failure is one of the known ones", () => {
  const known: Signature["match"] = "unknown_key";
  // @ts-expect-error: not a cause.
  const mistyped: Signature["match"] = "unknown-key";
  expect(mistyped).not.toBe(known);
});
