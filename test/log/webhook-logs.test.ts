import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newEntry } from "../support/log-entry.ts";
import { engines, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

describe.each(engines)("the view webhook_logs on %s", (engine) => {
  it("has the columns of the guide's table, with exact ids and a masked token", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    const receivedAt = new Date(Date.UTC(2024, 0, 2, 3, 4, 5, 678));
    const body = '{"ids": [9007199254740993001], "amount": 1250.00, "token": "shh"}';
    await log.append(newEntry({ receivedAt, body, records: ["9007199254740993001"], identity: "a" }));
    await log.append(
      newEntry({
        body: "a=1&b=2",
        product: "books",
        event: "invoice_created",
        records: [],
        identity: "a",
        receivedAt: new Date(receivedAt.getTime() + 1),
      }),
    );
    await log.append(newEntry({ event: "Candidates.status.change", accepted: false }));
    await log.append(newEntry({ product: undefined, event: undefined, body: "" }));
    const found = await runSqlIn(engine, path, "SELECT * FROM webhook_logs ORDER BY received_at");
    const rows = found.map((row) => ({ ...row }));
    expect(rows[0]).toEqual({
      webhook_id: "9007199254740993001",
      module: "Leads",
      operation: "create",
      payload: expect.stringMatching(/9007199254740993001.*1250\.00.*\[masked\]/),
      status: "received",
      received_at: "2024-01-02 03:04:05.678",
    });
    expect(Object.keys(rows[0] ?? {})).toEqual([
      "webhook_id",
      "module",
      "operation",
      "payload",
      "status",
      "received_at",
    ]);
    expect(rows[1]).toMatchObject({
      webhook_id: null,
      module: "books",
      operation: "invoice_created",
      payload: "a=1&b=2",
      status: "duplicate",
    });
    expect(rows[2]).toMatchObject({ module: "Candidates", operation: "status.change", status: "rejected" });
    expect(rows[3]).toMatchObject({ module: null, operation: null, payload: "" });
  });

  it("shows a delivery whose ids have characters that text cannot have", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    await log.append(newEntry({ records: ["a\0b\ud800\\u0000"] }));
    const found = await runSqlIn(engine, path, "SELECT webhook_id FROM webhook_logs");
    expect(found[0]?.webhook_id).toMatch(/^a/);
  });

  it("hides a body with a field that is configured to hold a secret", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    const verdict = { id: "static-auth", proves: "sender", verdict: "passed", reason: "", secretIn: "knock" } as const;
    const entry = newEntry({ body: '{"knock":"p3arl","rating":4}' });
    await log.append({ ...entry, receipt: { ...entry.receipt, verdicts: [verdict] } });
    await log.append({ ...newEntry({ body: '{"rating":5}' }), receipt: { ...entry.receipt, verdicts: [verdict] } });
    const [chosen, other] = await runSqlIn(engine, path, "SELECT payload FROM webhook_logs");
    expect(chosen?.payload).toContain("[masked: run zoho-hooks events show 1]");
    expect(other?.payload).toBe('{"rating":5}');
  });
});
