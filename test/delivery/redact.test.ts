import { expect, it } from "vitest";
import { redactPersonal } from "../../src/delivery/redact.ts";
import { cpuMs } from "../support/cpu-time.ts";

const redact = (text: string, seed = "seed", type = "application/json"): string =>
  redactPersonal(Buffer.from(text), type, seed).toString();

const body = `{
  "event": "lead.created", "module": "Leads", "api_name": "First_Name",
  "data": {
    "id": 5725767000000123456, "Owner": {"name": "Patricia Boyle", "id": "5725767000000099001", "email": "pat@corp.example.org"},
    "First_Name": "Jane", "Last_Name": "Doe", "Full_Name": "Jane Doe", "Email": "Jane.Doe+x@corp.example.org",
    "Phone": "+1 (555) 010-2030", "Mailing_Street": "1 Main St", "Amount": 1250.00, "Created_Time": "2024-01-02T03:04:05+00:00",
    "Description": "Jane Doe (pat@corp.example.org) called about 5725767000000123456",
    "layout": {"name": "Standard", "id": "5725767000000091055"}, "Lead_Status": "Contacted", "time": 1704164645678
  },
  "affected_fields": [{"5725767000000123456": ["Email", "Phone"]}]
}`;

it("replaces names, e-mail and postal addresses, phone numbers and ids, and nothing else", () => {
  const redacted = redact(body);
  for (const gone of ["Jane", "Doe", "Patricia", "corp.example", "5725767000000", "010-2030", "Main St"]) {
    expect(redacted).not.toContain(gone);
  }
  for (const kept of [
    '"event": "lead.created"',
    '"module": "Leads"',
    '"api_name": "First_Name"',
    '"Amount": 1250.00',
    "2024-01-02T03:04:05+00:00",
    '"name": "Standard"',
    '"Contacted"',
    "1704164645678",
    '["Email", "Phone"]',
  ]) {
    expect(redacted).toContain(kept);
  }
});

it("preserves relations, layout, and the type and length of ids and phone numbers", () => {
  const redacted = redact(body);
  const id = /"id": (\d+),/.exec(redacted)?.[1] ?? "";
  expect(id).toMatch(/^[1-9]\d{18}$/);
  expect(redacted.split(id)).toHaveLength(4);
  expect(redacted.split("person1@example.com")).toHaveLength(3);
  expect(redacted).toContain('"Email": "person2@example.com"');
  expect(redacted).toMatch(/"Phone": "\+\d \(\d{3}\) \d{3}-\d{4}"/);
  const fullName = /"Full_Name": "([^"]+)"/.exec(redacted)?.[1] ?? "";
  expect(redacted).toContain(`"Description": "${fullName} (person1@example.com) called about ${id}"`);
  expect(redacted.split("\n").length).toBe(body.split("\n").length);
  expect(() => JSON.parse(redacted)).not.toThrow();
});

it("returns the same for the same seed and other digits for another", () => {
  expect(redact(body)).toBe(redact(body));
  expect(redact(body, "other")).not.toBe(redact(body));
  expect(/"id": (\d+),/.exec(redact(body, "other"))?.[1]).not.toBe(/"id": (\d+),/.exec(redact(body))?.[1]);
});

it("redacts a form field by field", () => {
  const form = "id=5725767000000123456&First_Name=Jane+Q&Email=j%40corp.example.org&Stage=Open";
  expect(redact(form, "seed", "application/x-www-form-urlencoded")).toMatch(
    /^id=[1-9]\d{18}&First_Name=Name\+1&Email=person1%40example\.com&Stage=Open$/,
  );
});

// A pattern that can start at every letter would take minutes.
it("reads a long text without an address quickly", () => {
  const notes = [...["a", "a.", "é-", "a@a"].map((part) => part.repeat(150_000)), `a@${"b.".repeat(150_000)}`];
  const redactAll = () => notes.map((note) => redact(JSON.stringify({ note })));
  expect(cpuMs(redactAll)).toBeLessThan(5000);
});

it("finds an address within text", () => {
  expect(redact('{"note":"<j.o+x@a-b.example.co.uk>, ask zoë@exämple.de."}')).toBe(
    '{"note":"<person1@example.com>, ask person2@example.com."}',
  );
});

it("replaces an id that is a key, after other members", () => {
  expect(redact('{"a": {"x": 1}, "5725767000000123456": "b"}')).toMatch(/^\{"a": \{"x": 1\}, "[1-9]\d{18}": "b"\}$/);
});

it("knows whose name it is in JSON that is a string", () => {
  const owner = (name: string): string => JSON.stringify({ Owner: JSON.stringify({ name, note: "b" }) });
  expect(redact(owner("Patricia Boyle"))).toBe(owner("Name 1"));
});
