import { expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const MISSING = "the field or module does not exist, or the record has no value for it";

async function hintOf(body: string, ...argv: string[]): Promise<string> {
  const { err } = await run(["verify", "-p", "crm", ...argv], { stdin: body });
  return err;
}

it("warns of merge fields that Zoho did not replace, by their path", async () => {
  expect(await hintOf(`{"lead":{"name":"Mei","mails":["\${!Leads.Email}"]}}`)).toContain(
    `crm: lead.mails[0] has an unfilled merge field, \${!Leads.Email}: ${MISSING}\n`,
  );
  expect(await hintOf(`name=Mei&mail=%24%7BLead+E-mail%7D&city=\${!Leads.City}`)).toContain(
    `crm: mail has an unfilled merge field, \${Lead E-mail} (and 1 other field like it): ${MISSING}\n`,
  );
  expect(await hintOf(`A new lead: \${!Leads.Last_Name}`, "-H", "content-type: text/plain")).toContain(
    `crm: the body has an unfilled merge field, \${!Leads.Last_Name}: `,
  );
  expect(await hintOf(`{"price":"$5","set":"{a}","path":"\${}","total":"$ {x}"}`)).not.toContain("merge field");
});

it("warns of them beside what is wrong with the sender", async () => {
  const { exitCode, err } = await run(["verify", "-p", "crm"], {
    stdin: `{"mail":"\${!Leads.Email}"}`,
    env: { ZOHO_WEBHOOK_TOKEN: "t0ken" },
  });
  expect(exitCode).toBe(3);
  expect(err).toContain(`to accept them: --allow-unsigned crm (for verify: --format workflow); mail has an unfilled`);
});

it("warns of them in formats that Zoho designs, too", async () => {
  const lead = { id: "1", Last_Name: "Tanaka", Email: `\${!Leads.Email}` };
  const body = JSON.stringify({ module: "Leads", operation: "create", resource_uri: "x", ids: ["1"], data: lead });
  expect(await hintOf(body)).toContain(`data.Email has an unfilled merge field, \${!Leads.Email}`);
});

it("does not show what a secret name holds, nor a name that the user chose", async () => {
  const env = { ZOHO_WEBHOOK_AUTH: "kn0ck" };
  const config = JSON.stringify({ products: { crm: { format: "workflow", auth: { parameter: "door" } } } });
  const listener = await startListener(["--on-invalid", "warn"], {
    env,
    cwd: folderWith({ "zoho-hooks.config.json": config }),
  });
  await listener.post("/webhooks/zoho/crm", `{"token":"\${!Leads.Pin}"}`);
  await listener.post("/webhooks/zoho/crm", `{"door":"\${!Leads.Door}"}`);
  expect((await listener.event(1)).hint).toBe(`token has an unfilled merge field: ${MISSING}`);
  expect((await listener.event(2)).hint).toBe(`door has an unfilled merge field: ${MISSING}`);
  await listener.stop();
});
