import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { findTopics } from "../../src/terminal/help.ts";
import { type RunResult, run, tempFolder } from "../support/run.ts";

describe("a group of commands alone", () => {
  it.each([
    ["events", ["events", "list"]],
    ["fixtures", ["fixtures", "list"]],
    ["channels", ["channels", "list"]],
    ["webhooks", ["webhooks", "list"]],
    ["events --json --only failed", ["events", "list", "--json", "--only", "failed"]],
  ])("%s lists", async (line, listing) => {
    const cwd = tempFolder();
    const { lines: _, ...alone } = await run(line.split(" "), { cwd });
    const { lines: __, ...listed } = await run(listing, { cwd });
    expect(alone).toEqual(listed);
    expect(alone.out + alone.err).not.toContain("Usage:");
  });

  it("asks for --product where it needs one", async () => {
    const { exitCode, err } = await run(["webhooks"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("--product");
  });

  it("shows its help with --help, and refuses a subcommand that it does not have", async () => {
    expect(await run(["events", "--help"])).toMatchObject({ exitCode: 0, out: expect.stringContaining("Usage:") });
    const { exitCode, err } = await run(["events", "lst"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("unknown command 'lst'\n  did you mean list?");
  });
});

describe("a command that other tools have", () => {
  it.each([
    ["trigger", "zoho-hooks send"],
    ["logs", "zoho-hooks events"],
    ["version", "--version"],
    ["lisen", "listen"],
  ])("%s is answered with %s", async (typed, meant) => {
    const { exitCode, err } = await run([typed]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`unknown command '${typed}'\n  did you mean ${meant}?`);
  });

  it.each([
    ["trigger crm.Leads.create --to 3000", "zoho-hooks send crm.Leads.create?"],
    ["resend 3", "zoho-hooks replay 3?"],
    ["events resend 1", "zoho-hooks replay 1?"],
    ["events clear", "zoho-hooks events prune --keep 0s"],
    ["check 3000 --summary junit=out.xml", "--junit FILE"],
    ["replay --logged 3", "zoho-hooks replay 3, without a flag?"],
  ])("%s is answered with %s", async (line, meant) => {
    const { exitCode, err } = await run(line.split(" "));
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`\n  did you mean ${meant}`)]);
  });
});

describe("a message", () => {
  const long = "long value ".repeat(10_000);
  it.each([
    ["replay", long],
    ["replay", "--since", long],
    ["replay", "--only", "failed", "--where", long],
    ["listen", long],
    ["listen", "--port", long],
    ["listen", "--host", long.replaceAll(" ", "-")],
    ["listen", "--store", `./${long.replaceAll(" ", "-")}`],
    ["listen", "--expect", `crm:${long}`],
    ["send", "crm", long],
    ["help", long],
    [long.replaceAll(" ", '"')],
  ])("quotes at most 200 characters of a value: %#", async (...argv) => {
    const { exitCode, err } = await run(argv, { cwd: tempFolder() });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("…")]);
    expect(err.length).toBeLessThan(1300);
  });

  it("quotes at most 200 characters of a setting, also in JSON", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify({ keep: `"${long}` }));
    const { exitCode, err } = await run(["listen", "--json"], { cwd });
    const { message } = JSON.parse(err).error;
    expect([exitCode, message]).toEqual([
      2,
      expect.stringMatching(/^\S+\.json:1:9: keep: "\\"long .{190,200}…" is not a duration$/),
    ]);
  });

  it("masks a secret that it cuts", async () => {
    const secret = `s3cret-${"0123456789".repeat(30)}`;
    const { err } = await run(["replay", `x${secret}`], { env: { ZOHO_WEBHOOK_SECRET: secret }, cwd: tempFolder() });
    expect(err).toContain("is not a whole number");
    expect(err).not.toContain("s3cret");
  });
});

describe("a command that deletes one delivery", () => {
  it.each(["delete", "remove", "rm"])("events %s is answered without one that empties the log", async (name) => {
    const { exitCode, err } = await run(["events", name, "1"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("run zoho-hooks events prune --help")]);
    expect(err).not.toContain("--keep");
  });
});

const ROOT = join(import.meta.dirname, "../..");

/** Each listed command, and each subcommand with its group before it. */
async function helpPaths(): Promise<readonly string[]> {
  const all = await Promise.all(
    commands.map(async ({ name }) => {
      const { out } = await run([name, "--help-all"]);
      const [, listed = ""] = out.split(/^Commands:$/m);
      const children = [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)].flatMap(([, word = ""]) => word);
      return [name, ...children.filter((word) => word !== "help").map((word) => `${name} ${word}`)];
    }),
  );
  return all.flat();
}

describe("--help", async () => {
  const paths = await helpPaths();

  it.each(["", ...paths])(
    "of %j begins with the usage and examples, and ends with the way to the rest",
    async (path) => {
      const words = path === "" ? [] : path.split(" ");
      const { exitCode, out, err } = await run([...words, "--help"]);
      const called = ["zoho-hooks", ...words].join(" ");
      expect([exitCode, err]).toEqual([0, ""]);
      expect(out).toMatch(new RegExp(`^Usage: ${called} .*\n\n(?:.+\n)+\nExamples:\n {2}\\$ `));
      expect(out).toMatch(new RegExp(`\nMore: .*${called} --help-all\n$`));
      expect(out).not.toContain("Common options");
    },
  );

  it.each(["", "listen", "send", "replay", "check", "channels create"])(
    "of %j fits a screen of 100 by 30",
    async (path) => {
      const { out } = await run([...path.split(" "), "--help"].filter((word) => word !== ""));
      const lines = out.trimEnd().split("\n");
      // The prompt has the last line.
      expect(lines.length).toBeLessThan(30);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    },
  );

  it.each(commands.map(({ name, pages }) => [name, pages] as const))("%s names its pages", async (name, pages) => {
    const { out } = await run([name, "--help"]);
    const topics = pages.map((page) => `zoho-hooks help ${page.replace(/^.*\//, "")}`);
    expect(out).toContain(`\nDocs: ${topics.join(", ")}\n`);
  });
});

describe("--help-all", async () => {
  const paths = await helpPaths();

  it.each(paths)("of %s has all that --help has, and the common options", async (path) => {
    const short = await run([...path.split(" "), "--help"]);
    const { exitCode, out, err } = await run([...path.split(" "), "--help-all"]);
    expect([exitCode, err]).toEqual([0, ""]);
    const flags = (text: string) => [...text.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(flags(out)).toEqual(expect.arrayContaining(flags(short.out)));
    if (!out.includes("\nCommands:")) expect(flags(out)).toEqual(expect.arrayContaining(["--json", "--help-all"]));
  });

  it("has options and notes that --help leaves out", async () => {
    const [short, all] = await Promise.all(["--help", "--help-all"].map((flag) => run(["listen", flag])));
    for (const text of ["--retries", "--allow-unsigned", "ZOHO_WEBHOOK_PUBLIC_KEY"]) {
      expect(short?.out).not.toContain(text);
      expect(all?.out).toContain(text);
    }
  });

  it("works anywhere in a line that is otherwise wrong", async () => {
    const { exitCode, out } = await run(["channels", "create", "--nonsense", "--help-all"]);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/^Usage: zoho-hooks channels create /)]);
  });

  it("alone lists every command, the topics and the exit codes", async () => {
    const { out } = await run(["--help-all"]);
    for (const { name } of commands) expect(out).toMatch(new RegExp(`^ {2}${name} {2}`, "m"));
    const [, topics = ""] = /^Topics, for zoho-hooks help <topic>:\n(.*?)\n\n/ms.exec(out) ?? [];
    expect(topics.trim().split(/,\s+/)).toContain("own-products");
    expect(topics).not.toMatch(/README|events/);
    expect(out).toMatch(/^ {2}130 interrupted$/m);
  });
});

describe("help", () => {
  it.each([["own-products"], ["Own-Products"]])("%s prints the page as text", async (topic) => {
    const { exitCode, out, err } = await run(["help", topic]);
    expect([exitCode, err]).toEqual([0, ""]);
    const [, title = ""] = /^# (.*)\n/.exec(readFileSync(join(ROOT, "docs/own-products.md"), "utf8")) ?? [];
    expect(out).toMatch(new RegExp(`^${title}\n\n {2}\\S`));
    expect(out).toContain("help configuration");
  });

  it.each([...findTopics(ROOT).keys()])("%s has no marks of Markdown, and every word of code", async (topic) => {
    const { out } = await run(["help", topic]);
    const page = readFileSync(findTopics(ROOT).get(topic) ?? "", "utf8");
    const code = [...page.matchAll(/^```.*\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text.trim());
    const inOneLine = (text: string) => text.replace(/\s+/g, " ");
    let prose = inOneLine(out);
    for (const each of code) {
      expect(prose).toContain(inOneLine(each));
      prose = prose.replace(inOneLine(each), "");
    }
    expect(prose).not.toMatch(/```| ## |<!--|\]\(|\*\*|\| ---/);
    expect(out).not.toMatch(/^#/m);
  });

  it.each([...findTopics(ROOT).keys()])("%s is wrapped, except code and long URLs", async (topic) => {
    const { out } = await run(["help", topic], { env: { NO_COLOR: "1" }, outTTY: true, outColumns: 80 });
    expect(out.split("\n").filter((line) => line.length > 80 && !/^ {4}|https:\S{30}/.test(line))).toEqual([]);
  });

  it("continues a numbered item below its text", async () => {
    const { out } = await run(["help", "troubleshooting"], { outTTY: true, outColumns: 80 });
    expect(out).toMatch(/^ {2}3\. Does Zoho have that URL\?.*\n {5}\S/m);
  });

  it("check shows the page, and names the command of the same name", async () => {
    const { out } = await run(["help", "check"]);
    expect(out).toMatch(/^Options: zoho-hooks check --help\n\nChecking an endpoint/);
  });

  it("shows the help of a command, also where a page has its name", async () => {
    expect((await run(["help", "events"])).out).toBe((await run(["events", "--help"])).out);
  });

  it.each([
    ["own-product", "own-products"],
    ["lisen", "listen"],
  ])("%s is answered with %s", async (topic, meant) => {
    const { exitCode, err } = await run(["help", topic]);
    expect(exitCode).toBe(2);
    expect(err).toBe(`error: there is no command or topic '${topic}'\n  did you mean ${meant}?\n`);
  });

  it("finds pages by words of their text, a line each, the best first", async () => {
    const topicsOf = ({ out }: RunResult) => out.split("\n").flatMap((line) => /^(\S+) {2,}\S/.exec(line)?.[1] ?? []);
    const tunnel = await run(["help", "--search", "tunnel"], { outTTY: true, outColumns: 80, env: { NO_COLOR: "1" } });
    expect(topicsOf(tunnel)).toEqual(expect.arrayContaining(["receiving", "troubleshooting", "crm-channel"]));
    expect(tunnel.out.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const several = await run(["help", "--search", "Signature", "does"]);
    expect(topicsOf(several).slice(0, 2).sort()).toEqual(["troubleshooting", "verifying"]);
    expect(several.out).toMatch(/^verifying +Why a signature does not match$/m);
    expect((await run(["help", "--search=signature does"])).out).toBe(several.out);
    // Not in the middle of a word.
    expect((await run(["help", "--search", "unnel"])).exitCode).toBe(2);
  });

  it.each([
    [["help", "--search", "zzz"], 'no page mentions "zzz"\n  try another word'],
    [["help", "--search", ""], "--search: the text is empty\n  such as zoho-hooks help --search tunnel"],
    [["help", "tunnel"], "there is no command or topic 'tunnel'\n  zoho-hooks help --search tunnel finds pages"],
  ])("%j says what to try", async (argv, said) => {
    const { exitCode, err } = await run(argv);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(said)]);
  });

  it("completes commands and topics", async () => {
    const { out } = await run(["completion", "words", "--", "help", "co"]);
    expect(out.match(/^\S+/gm)).toEqual(expect.arrayContaining(["config", "completion", "configuration"]));
  });
});
