import { expect, it } from "vitest";
import { z } from "zod";
import { checkSchema, describeIssue, issueWithoutValue } from "../../src/model/schema.ts";

it.each([
  [
    "names that must not be",
    z.strictObject({}),
    Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1])),
  ],
  ["elements of an alternative", z.union([z.array(z.string()), z.object({})]), Array.from({ length: 20_000 }, () => 1)],
  ["elements", z.array(z.string()), Array.from({ length: 20_000 }, () => 1)],
])("limits the number of issues: %s", (_, schema, data) => {
  const { ok, issues } = checkSchema(schema, data);
  expect(ok).toBe(false);
  expect(issues).toHaveLength(51);
  expect(issues.at(-1)?.expected).toBe("other values in 19950 more places");
});

const event = z.looseObject({
  event: z.literal("Ticket.Create"),
  at: z.iso.datetime(),
  uri: z.string().regex(/^https:/, "a URL"),
  token: z.literal("t0ken"),
  pass: z.literal("s3cret"),
  data: z.looseObject({}),
});

it("shows what came instead of a value, and no secret", () => {
  const body = {
    event: "ticket.create",
    at: "15-Jan-2025",
    uri: "ftp://a.example/?apikey=s3cret",
    token: "x1",
    pass: "x2",
  };
  expect(checkSchema(event, body, ["pass"]).issues.map(describeIssue)).toEqual([
    'event: expected "Ticket.Create", got "ticket.create"',
    'at: expected a date-time such as 2025-01-15T10:30:00Z, got "15-Jan-2025"',
    'uri: expected a URL, got "ftp://a.example/?apikey=[masked]"',
    "token: expected another value, got a string",
    "pass: expected another value, got a string",
    "data is missing (an object)",
  ]);
});

it("cuts a long string, and shows a value of the wrong type, except under a secret name", () => {
  const schema = z.object({
    kind: z.literal("a"),
    total: z.number(),
    ids: z.array(z.string()),
    data: z.object({}),
    payload: z.object({}),
    token: z.string(),
    secret: z.object({}),
    id: z.union([z.string(), z.null()]),
  });
  const body = {
    kind: "x".repeat(100),
    total: "12,50",
    ids: 7,
    data: [],
    payload: '{"token":"t0ken"}',
    token: 1234,
    secret: "s3cret",
    id: true,
  };
  expect(checkSchema(schema, body).issues.map(describeIssue)).toEqual([
    `kind: expected "a", got "${"x".repeat(60)}…"`,
    'total: expected a number, got "12,50"',
    "ids: expected an array, got number 7",
    "data: expected an object, got an array of 0",
    'payload: expected an object, got "{\\"token\\":\\"[masked]\\"}"',
    "token: expected a string, got a number",
    "secret: expected an object, got a string",
    "id: expected a string or null, got boolean true",
  ]);
});

it("keeps the text of an error that a schema throws out of what is expected, which answers show", () => {
  const schema = z.string().transform((text) => JSON.parse(text));
  const { issues } = checkSchema(schema, "my-p1n");
  expect(issues.map(issueWithoutValue)).toEqual(["the body: expected a value that its schema can check"]);
  expect(issues.map(describeIssue)).toEqual([expect.stringContaining("got an error of the schema: ")]);
});
