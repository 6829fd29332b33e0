import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, tempFolder } from "../support/run.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures");

function newFolder(): string {
  const folder = tempFolder();
  copyFileSync(join(FIXTURES, "books/guide/invoice_created.json"), join(folder, "good.json"));
  writeFileSync(join(folder, "bad.json"), '{"module": "Leads", "operation": "create", "ids": 5}');
  return folder;
}

const secrets = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };
// Any port: doctor would say that another test has the default one.
const env = { NO_COLOR: "1", ZOHO_HOOKS_PORT: "0", ...secrets };

/** What a command prints at a terminal of this width, or into a pipe. */
async function printed(argv: readonly string[], columns?: number): Promise<string> {
  const isTTY = columns !== undefined;
  const terminal = isTTY ? { outTTY: isTTY, outColumns: columns, errTTY: isTTY, errColumns: columns } : {};
  const { out, err } = await run(argv, { env, cwd: newFolder(), ...terminal });
  return out + err;
}

const wordsOf = (text: string): readonly string[] => text.split(/\s+/);

describe.each([50, 80, 100])("a terminal of %i columns", (columns) => {
  it.each([
    [["verify", "good.json", "--signature", "0".repeat(64), "--explain"]],
    [["verify", "bad.json"]],
    [["init", "--yes", "--products", "crm,desk", "--quiet"]],
    [["products", "survey"]],
    [["doctor"]],
    [["listen", "3000", "--public-url", "https://example.com/x", "--tunnel", "ngrok"]],
    [["send", "crm"]],
    [["login"]],
    [["channels", "create", "Leads.create"]],
  ])("gets %j with no word broken", async (argv) => {
    const text = await printed(argv, columns);
    expect(wordsOf(text)).toEqual(wordsOf(await printed(argv)));
    const wide = text.split("\n").filter((line) => line.length > columns);
    // Only a word or a command that is longer than the line.
    expect(wide.filter((line) => !/^\s*(?:\S+ {2,})?(?:\S+|.*zoho-hooks .*)$/.test(line))).toEqual([]);
  });
});

describe("what is for copying", () => {
  it.each([
    [["send", "crm"], "zoho-hooks products crm"],
    [["fixtures", "show"], "run zoho-hooks fixtures show --help"],
    [["replay"], "zoho-hooks replay last"],
  ])("stays on one line: a command in what %j says", async (argv, command) => {
    for (let columns = command.length + 2; columns < 120; columns += 7)
      expect((await printed(argv, columns)).split("\n").filter((line) => line.includes(command))).toHaveLength(1);
  });

  it("stays on one line: JSON in a body", async () => {
    const body = {
      note: "a text of many words, which is longer than this terminal is wide",
      list: ["one two three four five"],
    };
    const file = join(newFolder(), "long.json");
    writeFileSync(file, JSON.stringify(body));
    const { out } = await run(["verify", file, "--verbose"], { env, outTTY: true, outColumns: 40 });
    for (const line of JSON.stringify(body, null, 2).split("\n")) expect(out.split("\n")).toContain(`  ${line}`);
  });

  it("stays as it is: a script, a request, a curl command", async () => {
    for (const argv of [
      ["completion", "bash"],
      ["send", "crm", "Leads.create", "--seed", "1", "--to", "3000", "--dry-run"],
      ["send", "crm", "Leads.create", "--seed", "1", "--to", "3000", "--curl"],
    ]) {
      const [there, piped] = await Promise.all(
        [40, undefined].map((outColumns) => run(argv, { env, outTTY: outColumns !== undefined, outColumns })),
      );
      expect(there?.out).toBe(piped?.out);
    }
  });
});
