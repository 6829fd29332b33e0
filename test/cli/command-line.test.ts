import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { run, tempFolder } from "../support/run.ts";

describe("a group of commands alone", () => {
  it.each([
    ["events", ["events", "list"]],
    ["fixtures", ["fixtures", "list"]],
    ["channels", ["channels", "list"]],
    ["webhooks", ["webhooks", "list"]],
    ["events --json --failed", ["events", "list", "--json", "--failed"]],
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
    ["trigger", "send"],
    ["logs", "events"],
    ["version", "--version"],
    ["lisen", "listen"],
  ])("%s is answered with %s", async (typed, meant) => {
    const { exitCode, err } = await run([typed]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`unknown command '${typed}'\n  did you mean ${meant}?`);
  });
});

describe("--help", () => {
  it.each([["--help"], ["listen --help"]])("%s begins with examples", async (line) => {
    const { out } = await run(line.split(" "));
    expect(out).toMatch(/^Examples:\n {2}\$ zoho-hooks listen\b/);
  });

  it("shows the twelve main flags of listen first", async () => {
    const { out } = await run(["listen", "--help"]);
    const [, main = ""] = /^Main options:\n(.*?)\n\n/ms.exec(out) ?? [];
    expect(main.match(/^ {2}-/gm)).toHaveLength(12);
  });

  it.each(commands.map(({ name, pages }) => [name, pages] as const))("%s ends with its pages", async (name, pages) => {
    const { out } = await run([name, "--help"]);
    const [, docs = ""] = out.split("\n\nDocs: ");
    expect(docs.match(/docs\/\S+(?=\.md)/g)).toEqual(pages.map((page) => `docs/${page}`));
  });
});

describe("help", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/own-products.md"), "utf8");

  it.each([["own-products"], ["Own-Products"]])("%s prints the page as it is through a pipe", async (topic) => {
    expect(await run(["help", topic])).toMatchObject({ exitCode: 0, out: page, err: "" });
  });

  it("lists the topics after the commands", async () => {
    const { out } = await run(["help"]);
    const [, topics = ""] = /^Commands:\n.*^Topics, for zoho-hooks help <topic>:\n(.*?)\n\n/ms.exec(out) ?? [];
    expect(topics.split(/,\s+/)).toContain("own-products");
    expect(topics).not.toMatch(/README|events/);
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

  it("completes commands and topics", async () => {
    const { out } = await run(["completion", "words", "--", "help", "co"]);
    expect(out.match(/^\S+/gm)).toEqual(expect.arrayContaining(["config", "completion", "configuration"]));
  });
});
