import { expect, it } from "vitest";
import { startLoggedProject } from "../support/logged-project.ts";

it("aligns columns of wide, combining and joined characters", async () => {
  const project = await startLoggedProject({ forward: false, env: {} });
  try {
    const record = (module: string, name: string) =>
      JSON.stringify({ module, operation: "create", ids: ["4150868000000002179"], data: { name } });
    await project.deliver("/webhooks/zoho/crm", record("Leads", "Ann"));
    await project.deliver("/webhooks/zoho/crm", record("連絡先", "山田太郎"));
    await project.deliver("/webhooks/zoho/crm", record("Idée", "👩‍👩‍👧‍👦 e\u0301"));
    const list = await project.run(["events", "list"]);
    expect(list.out).toMatch(/Leads\.create {17}4150868000000002179/);
    expect(list.out).toMatch(/連絡先\.create {16}4150868000000002179/);
    expect(list.out).toMatch(/Idée\.create {18}4150868000000002179/);
    const diff = await project.run(["events", "diff", "2", "1"]);
    expect(diff.out).toContain('path       #2          #1\n~  module     "連絡先"    "Leads"\n');
    expect(diff.out).toContain('~  data.name  "山田太郎"  "Ann"\n');
    const joined = await project.run(["events", "diff", "3", "1"]);
    expect(joined.out).toContain('~  module     "Idée"  "Leads"\n~  data.name  "👩‍👩‍👧‍👦 e\u0301"  "Ann"\n');
  } finally {
    await project.stop();
  }
});
