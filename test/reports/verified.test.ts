import { expect, it } from "vitest";
import { run } from "../support/run.ts";

it("paints each line of what is ruled out by itself", async () => {
  const env = { FORCE_COLOR: "1", ZOHO_WEBHOOK_TOKEN: "t0ken" };
  const stdin = '{"module":"Leads","operation":"create","ids":["1"],"token":"wrong"}';
  const { out } = await run(["verify", "-", "--product", "crm", "--explain", "-v"], { stdin, env });
  expect(out).toContain("\u001b[2m    ruled out:\u001b[22m\n\u001b[2m      ");
});
