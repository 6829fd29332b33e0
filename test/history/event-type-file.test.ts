import { describe, expect, it } from "vitest";
import { eventTypeFile } from "../../src/history/event-types.ts";
import { anyShape } from "../../src/model/schema.ts";

const base = { product: "desk", format: "wire", summary: "It happened", shape: anyShape, deliveries: 0 };

describe("eventTypeFile", () => {
  it("numbers equal type names", () => {
    const text = eventTypeFile([
      { ...base, name: "Ticket.Create" },
      { ...base, name: "Ticket_Create" },
    ]);
    expect(text).toContain("export type DeskWireTicketCreate = unknown;");
    expect(text).toContain('"Ticket.Create": DeskWireTicketCreate;');
    expect(text).toContain("Ticket_Create: DeskWireTicketCreate2;");
  });

  it("keeps a summary inside its comment", () => {
    expect(eventTypeFile([{ ...base, name: "a", summary: "x */ y\nz" }])).toContain("(wire): x * / y z. */\n");
  });
});
