import { expect, it } from "vitest";
import { fixtureCases } from "../support/fixture-cases.ts";
import { run } from "../support/run.ts";

const NOTIFICATION =
  '{"server_time":1736937000000,"module":"Leads","operation":"insert","resource_uri":"https://www.zohoapis.com/crm/v2/Leads","ids":["4876876000001402117"],"channel_id":"1","token":"tok-1"}';
const INVOICE = '{"invoice":{"invoice_id":"46000000004912301","number":"1"}}';
const TICKETS = '[{"eventType":"Ticket_Add","eventTime":"1736937000000","orgId":"1","payload":{"id":"1"}}]';

const verify = (body: string, ...flags: readonly string[]) => run(["verify", ...flags], { stdin: body });

it.each<readonly [string, string, readonly string[], string, number]>([
  [
    "where no event is recognised",
    NOTIFICATION.replace("operation", "operaton"),
    [],
    "operaton: did you mean operation?",
    4,
  ],
  [
    "with its product named",
    NOTIFICATION.replace("operation", "operaton"),
    ["-p", "crm"],
    "operaton: did you mean operation?",
    4,
  ],
  ["that is not required", NOTIFICATION.replace('"token"', '"tokem"'), [], "tokem: did you mean token?", 0],
  [
    "within the record",
    INVOICE.replace("invoice_id", "invoise_id"),
    ["-p", "books"],
    "invoice.invoise_id: did you mean invoice_id?",
    4,
  ],
  ["of an event in a list", TICKETS.replace("payload", "payLaod"), ["-p", "desk"], "payLaod: did you mean payload?", 4],
])("verify names a misspelt member %s", async (_, body, flags, expected, code) => {
  const { exitCode, out } = await verify(body, ...flags);
  expect([exitCode, out]).toEqual([code, expect.stringContaining(`\n  ${expected}\n`)]);
});

it.each([
  ["a field of the user's", NOTIFICATION.replace("{", '{"order_number":1,')],
  ["a field of the user's in a record", INVOICE.replace("number", "invoice_numbers")],
  ["a custom body", '{"operaton":"insert","modul":"Leads"}'],
])("verify takes %s for no misspelt one", async (_, body) => {
  expect((await verify(body)).out).not.toContain("did you mean");
});

it("verify finds none in a sample", async () => {
  const bodies = fixtureCases().map(({ text }) => JSON.stringify(JSON.parse(text)));
  const { out } = await verify(bodies.join("\n"));
  expect(out).toContain(`${bodies.length} payloads`);
  expect(out).not.toContain("did you mean");
});

it.each([{}, { ZOHO_WEBHOOK_TOKEN: "my-own-token" }])(
  "verify says that a token is a sample's, with %j",
  async (env) => {
    const SAMPLE = "  it carries the token of a sample, YOUR_NOTIFICATION_TOKEN, not one of Zoho's";
    const body = NOTIFICATION.replace("tok-1", "YOUR_NOTIFICATION_TOKEN");
    expect((await run(["verify"], { stdin: body, env })).out).toContain(SAMPLE);
    expect((await run(["verify"], { stdin: NOTIFICATION, env })).out).not.toContain(SAMPLE);
  },
);
