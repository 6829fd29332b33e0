import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDay } from "../../src/util/units.ts";
import {
  type LoggedProject,
  leadBody,
  SECRET,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";
import { run } from "../support/run.ts";

const JSON_TYPE = { "content-type": "application/json" };
let project: LoggedProject;

/** #1 a lead, taken; #2 a ticket that the app fails on; #3 a lead with a wrong signature; #4 a ticket without a subject. */
beforeAll(async () => {
  project = await startLoggedProject({
    answer: (response, { body }) => {
      response.statusCode = body.includes("on fire") ? 500 : 200;
      response.end('{"answer":"hm","access_token":"of-the-app"}');
    },
  });
  await project.deliver("/webhooks/zoho/crm", leadBody());
  await project.deliver("/webhooks/zoho/desk?zapikey=very-secret&a=1", ticketBody());
  await project.deliver("/webhooks/zoho/crm", leadBody({ email: "x@example.com" }), {
    ...JSON_TYPE,
    ...signature("another body"),
  });
  const odd = '{"event":"Ticket.Create","ticket":{"subject":7}}';
  await project.deliver("/webhooks/zoho/desk", odd);
});
afterAll(() => project.stop());

async function numbers(...argv: string[]): Promise<unknown[]> {
  const { lines, exitCode } = await project.run(["events", "list", "--json", ...argv]);
  expect(exitCode).toBe(0);
  return lines().map(({ n }) => n);
}

describe("events list", () => {
  it("shows the newest first, in the format of listen, with the state of each", async () => {
    const { out, exitCode } = await project.run(["events", "list"]);
    expect(exitCode).toBe(0);
    const rows = out.split("\n").filter((line) => /#\d/.test(line));
    expect(rows.map((line) => /#(\d+)/.exec(line)?.[1])).toEqual(["4", "3", "2", "1"]);
    expect(rows[3]).toMatch(/crm\s+Leads\.create\s+4150868000000002179\s+✓ verified {2}✓ valid.*→ delivered/);
    expect(rows[2]).toMatch(/desk\s+Ticket\.Create.*→ failed after 2 attempts/);
    expect(out).toContain("answered 401: guide-signature");
    expect(out).toContain("ticket.subject: expected a string, got number 7");
  });

  it.each([
    [
      ["--product", "crm"],
      [3, 1],
    ],
    [
      ["--event", "desk:Ticket.*"],
      [4, 2],
    ],
    [
      ["--event", "leads.create,Nothing.*"],
      [3, 1],
    ],
    [["--only", "401"], [3]],
    [["--only", "4xx"], [3]],
    [
      ["--only", "200-299"],
      [4, 2, 1],
    ],
    [["--only", "failed"], [2]],
    [["--only", "rejected"], [3]],
    [["--only", "invalid"], [4]],
    [
      ["--only", "invalid,401"],
      [4, 3],
    ],
    [["--only", "failed", "--only", "rejected", "--product", "crm"], [3]],
    [["--only", "duplicate"], [3]],
    [
      ["--search", "4150868000000002181"],
      [3, 1],
    ],
    [["--where", "data.Email=x@example.com"], [3]],
    [["--where", "data.Account_Number=4150868000000002181", "--where", "data.Email=mei.tanaka@example.com"], [1]],
    [["--where", "data.Account_Number=4150868000000002180"], []],
    [
      ["--since", "10m"],
      [4, 3, 2, 1],
    ],
    [["--since", "2999-01-01"], []],
    [
      ["--limit", "2"],
      [4, 3],
    ],
    [["--limit", "1", "--product", "desk"], [4]],
    [["--all"], [4, 3, 2, 1]],
  ])("applies %j", async (flags, wanted) => {
    expect(await numbers(...flags)).toEqual(wanted);
  });

  it.each([
    ["--only", "400-200", "write the lower one first: 200-400"],
    ["--since", "2026-02-30", "is not a time"],
    ["--since", "2026-02-30T10:00Z", "is not a time"],
    ["--since", "999999999d", "is not a time"],
    [
      "--since",
      "tomorrow",
      `--since: "tomorrow" is not a time\n  write it as today, yesterday, 10m, 2h, 7d, 2026-05-01 or`,
    ],
    ["--until", "noon", '--until: "noon" is not a time'],
    ["--follow", "--only=failed", "cannot be combined"],
    ["--follow", "--until=today", "cannot be combined"],
  ])("takes %s %s for a usage error", async (flag, value, says) => {
    const { exitCode, err } = await project.run(["events", "list", flag, value]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(says)]);
  });

  describe("a day later", () => {
    let now: Date;
    beforeAll(async () => {
      const { lines } = await project.run(["events", "list", "--json", "--all"]);
      const at = new Date(String(lines().at(-1)?.at));
      now = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1, 9);
    });
    const listed = (...argv: string[]) => project.run(["events", "list", ...argv], { now: () => now });

    it.each([
      [["--since", "yesterday"], 4],
      [["--since", "Yesterday", "--until", "today"], 4],
      [["--since", "today"], 0],
      [["--until", "yesterday"], 0],
      [["--until", "today", "--only", "failed"], 1],
      [["--until", "1m"], 4],
    ])("has %j begin and end at 00:00", async (flags, count) => {
      const { lines, exitCode } = await listed("--json", ...flags);
      expect([exitCode, lines().length]).toEqual([0, count]);
    });

    it("names the times and their zone where nothing matches", async () => {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const day = formatDay(now);
      expect((await listed("--since", "today")).err).toContain(`matches since ${day} 00:00 (${zone})`);
      const earlier = await listed("--since", "2026-01-31", "--until", "2026-02-01T10:30");
      expect(earlier.err).toContain(`matches from 2026-01-31 00:00 to 2026-02-01 10:30 (${zone})`);
      expect((await listed("--until", "2026-02")).err).toContain(`matches before 2026-02-01 00:00 (${zone})`);
    });

    it("refuses an end that is not after the beginning", async () => {
      const { exitCode, err } = await listed("--since", "today", "--until", "yesterday");
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      expect(exitCode).toBe(2);
      expect(err).toContain(`00:00) is not after --since (${formatDay(now)} 00:00)`);
      expect(err).toContain(`a day is its 00:00, in ${zone}: --since 3h --until 2h, --since yesterday --until today`);
    });
  });

  it("reports when there are more, and when there are none", async () => {
    expect((await project.run(["events", "list", "--limit", "3"])).err).toContain("the newest 3; use --limit or --all");
    expect((await project.run(["events", "list", "--limit", "4"])).err).toBe("");
    expect((await project.run(["events", "list", "--product", "books"])).err).toContain(
      "no delivery in the log matches",
    );
  });

  it("masks secrets in every view without --show-secrets", async () => {
    const secrets = [TOKEN, "very-secret", signature(leadBody())["x-zoho-signature"] ?? "", "of-the-app", SECRET];
    for (const argv of [
      ["list"],
      ["list", "--json"],
      ["list", "-v"],
      ["show", "1"],
      ["show", "2", "--json"],
      ["diff", "1", "2"],
    ]) {
      const { out, err, lines } = await project.run(["events", ...argv]);
      const bodies = argv.includes("--json")
        ? lines().map(({ body_b64 }) => Buffer.from(String(body_b64), "base64"))
        : [];
      for (const secret of secrets) expect(`${out}${err}${bodies.join()}`).not.toContain(secret);
    }
    const { out } = await project.run(["events", "show", "1", "--show-secrets"]);
    expect(out).toContain(TOKEN);
    expect(out).toContain(secrets[2]);
    expect(out).not.toContain("masked");
  });

  it("prints the log's own fields in JSON", async () => {
    const { lines } = await project.run(["events", "list", "--json", "--only", "failed"]);
    expect(lines()[0]).toMatchObject({
      v: 1,
      type: "event",
      n: 2,
      path: "/webhooks/zoho/desk?zapikey=[masked]&a=1",
      state: "failed",
      masked: true,
      bytes: ticketBody().length,
      schema: { ok: true, issues: [] },
      attempts: [
        { attempt: 1, status: 500, error: null },
        { attempt: 2, status: 500, reply: '{"answer":"hm","access_token":"[masked]"}' },
      ],
      forwards: [{ state: "failed", attempts: 2, due_at: null }],
    });
  });

  it("prints the exact bytes with --show-secrets", async () => {
    const { lines } = await project.run(["events", "list", "--json", "--show-secrets", "--product", "crm"]);
    expect(lines()[1]).toMatchObject({ body_b64: Buffer.from(leadBody()).toString("base64"), masked: false });
  });

  it.each([
    [["--only", "20"], "--only"],
    [["--only", "duplicates"], "write it as failed, rejected, invalid, duplicate, or as a status"],
    [["--only", ""], "--only"],
    [["--since", "last week"], "--since"],
    [["--since", "2026-99-01"], "--since"],
    [["--product", "crmm"], "did you mean crm?"],
    [["--where", "nothing"], "not a condition"],
    [["--all", "--limit", "1"], "cannot be combined"],
    [["--search", ""], "--search"],
    [["--limit", "0"], "--limit"],
  ])("refuses %j", async (flags, said) => {
    const { exitCode, err } = await project.run(["events", "list", ...flags]);
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
  });

  it("claims no schema where none was checked", async () => {
    const other = await startLoggedProject({ forward: false, argv: ["--schema", "off"] });
    try {
      await other.deliver("/webhooks/zoho/crm", leadBody());
      const { lines } = await other.run(["events", "list", "--json"]);
      expect(lines()[0]).toMatchObject({ known: true, schema: null });
    } finally {
      await other.stop();
    }
  });
});

describe("a missing log", () => {
  it.each([
    ["list"],
    ["show", "last"],
    ["list", "--follow"],
    ["stats"],
    ["diff", "1", "2"],
    ["save-fixture", "1"],
    ["prune"],
  ])("is a usage error of events %s that says how one comes about, and makes none", async (...argv) => {
    const { exitCode, err } = await run(["events", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain("there is no event log at");
    expect(err).toContain("listen");
  });

  it("is reported when the settings turn the log off", async () => {
    const { exitCode, err } = await run(["events", "list"], { env: { ZOHO_HOOKS_STORE: "false" } });
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_HOOKS_STORE (environment)");
  });

  it("is found elsewhere with ZOHO_HOOKS_STORE", async () => {
    const env = { ZOHO_HOOKS_STORE: join(project.cwd, ".zoho-hooks/events.db") };
    const { lines } = await run(["events", "show", "1", "--json"], { env });
    expect(lines()[0]).toMatchObject({ n: 1, event: "Leads.create" });
  });
});

describe("events show", () => {
  it("shows headers, every digit of the body, verdicts, issues and attempts", async () => {
    const { out, exitCode } = await project.run(["events", "show", "#1"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("x-zoho-signature: [masked]");
    expect(out).toContain('"Account_Number": 4150868000000002181,');
    expect(out).toContain('"Amount": 1250.00');
    expect(out).toContain("✓ verified (guide-signature): signed with ZOHO_WEBHOOK_SECRET");
    expect(out).toContain(`http://localhost:${project.app.port}/webhooks/zoho/crm: delivered`);
    expect(out).toMatch(/→ 200 .* ms/);
    expect(out).toContain("answered 200");
  });

  it("accepts last as the newest", async () => {
    const { out } = await project.run(["events", "show", "last"]);
    expect(out).toContain("#4 desk Ticket.Create");
    expect(out).toContain("✗ invalid");
    expect(out).toContain("ticket.subject: expected a string, got number 7");
  });

  it("names the last number when one does not exist", async () => {
    const { exitCode, err } = await project.run(["events", "show", "77"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("there is no event #77");
    expect(err).toContain("the last one is #4");
  });

  it("rejects an argument that is not a number", async () => {
    expect((await project.run(["events", "show", "first"])).exitCode).toBe(2);
  });
});

describe("events stats", () => {
  it("counts by product and hour, and shows how long the app took", async () => {
    const { lines } = await project.run(["events", "stats", "--json"]);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({
      type: "stats",
      received: 4,
      delivered: 2,
      failed: 1,
      duplicates: 0,
      rejected: 1,
      products: { crm: { received: 2, rejected: 1 }, desk: { received: 2, failed: 1 } },
      latency_ms: { count: 4, p50: expect.any(Number) },
    });
  });

  it("draws each hour as a bar of its outcomes at a terminal", async () => {
    const { out } = await project.run(["events", "stats"], { outTTY: true, env: { NO_COLOR: "1" } });
    expect(out).toMatch(/^hour .*\n\S+ \S+ +4 .* {2}█{12}✗{6}–{6}\n█ delivered {2}✗ failed {2}– rejected$/m);
  });

  it("draws no bars without a terminal", async () => {
    const { out } = await project.run(["events", "stats"]);
    expect(out).toMatch(/^desk\s+2\s+1\s+0\s+1/m);
    expect(out).toMatch(/4 answers from your app: p50/);
    expect(out).not.toContain("█");
  });

  it("applies the filters", async () => {
    const { lines } = await project.run(["events", "stats", "--json", "--product", "desk"]);
    expect(lines()[0]).toMatchObject({ received: 2, products: { desk: { received: 2 } } });
  });
});

describe("events diff", () => {
  it("names each place in which two payloads differ, and masks what is secret there", async () => {
    const { out, exitCode } = await project.run(["events", "diff", "1", "3"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/~ {2}data\.Email\s+"mei\.tanaka@example\.com"\s+"x@example\.com"/);
    expect(out).not.toContain("Account_Number");
  });

  it("shows long values from shortly before their first difference", async () => {
    const other = await startLoggedProject({ forward: false, env: {} });
    try {
      for (const end of ["the end", "another end"])
        await other.deliver("/webhooks/zoho/crm", leadBody({ email: `${"x".repeat(200)} and ${end}` }));
      const { out } = await other.run(["events", "diff", "1", "2"]);
      expect(out).toMatch(/data\.Email\s+…x{7} and the end"\s+…x{7} and another end"/);
    } finally {
      await other.stop();
    }
  });

  it("strips a sender's control characters", async () => {
    const other = await startLoggedProject({ forward: false, env: {} });
    try {
      const name = "Leads\\u001b]0;x\\u0007.create";
      for (const id of [1, 2]) await other.deliver("/webhooks/zoho/books", `{"event":"${name}","x":${id}}`);
      const { out, exitCode } = await other.run(["events", "diff", "1", "2"]);
      expect([exitCode, out]).toEqual([0, expect.stringContaining("Leads]0;x.create")]);
      for (const sign of ["\u001b", "\u0007"]) expect(out).not.toContain(sign);
    } finally {
      await other.stop();
    }
  });

  it("reports equal payloads", async () => {
    const { out, err } = await project.run(["events", "diff", "1", "1"]);
    expect(out).toBe("");
    expect(err).toContain("the payloads are the same, byte for byte");
  });

  it("reports that two tokens differ without showing them", async () => {
    const other = await startLoggedProject({ forward: false, env: {} });
    try {
      for (const token of ["first-token", "second-token"])
        await other.deliver("/webhooks/zoho/crm", leadBody({ token }));
      const { out, lines } = await other.run(["events", "diff", "1", "2", "--json"]);
      expect(lines()).toEqual([
        { v: 1, type: "difference", path: "token", change: "changed", before: '"[masked]"', after: '"[masked]"' },
      ]);
      expect(out).not.toContain("first-token");
    } finally {
      await other.stop();
    }
  });
});

describe("a log that was deleted", () => {
  it("ends events list --follow, which would otherwise be silent forever", async () => {
    const other = await startLoggedProject({ forward: false });
    await other.deliver("/webhooks/zoho/crm", leadBody());
    await other.stop();
    const ended = other.run(["events", "list", "--follow"], {
      onErr: (text) => {
        if (text.includes("following")) rmSync(join(other.cwd, ".zoho-hooks"), { recursive: true });
      },
    });
    const { exitCode, err } = await ended;
    expect(exitCode).toBe(2);
    expect(err).toContain("was deleted while it was in use");
  });
});

describe("an empty log", () => {
  it("is reported as empty", async () => {
    const other = await startLoggedProject({ forward: false });
    try {
      for (const argv of [["list"], ["stats"]]) {
        const { exitCode, err, out } = await other.run(["events", ...argv]);
        expect({ exitCode, out }).toEqual({ exitCode: 0, out: "" });
        expect(err).toContain("is empty");
      }
      expect((await other.run(["events", "show", "last"])).err).toContain("is empty");
    } finally {
      await other.stop();
    }
  });
});
