import { describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { eventNames } from "../../src/model/event-names.ts";
import type { Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { lacks } from "../support/needs.ts";
import { shopProject } from "../support/own-product.ts";
import { run } from "../support/run.ts";

/** The suggestions for the last word. */
async function suggested(...words: string[]): Promise<string[]> {
  const { exitCode, out, err } = await run(["completion", "words", "--", ...words]);
  expect([exitCode, err]).toEqual([0, ""]);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t", 1)[0] ?? "");
}

const ids = products.map(({ id }) => id);

function namesOf(id: string): string[] {
  const product: Product | undefined = products.find((each) => each.id === id);
  return [...new Set((product?.formats ?? []).flatMap((format) => eventNames(format)))].filter(
    (name) => !name.includes("<"),
  );
}

describe("completion words", () => {
  it("suggests every command with its summary", async () => {
    expect(await suggested("")).toEqual([...commands.map(({ name }) => name), "help"]);
    const { out } = await run(["completion", "words", "--", "prod"]);
    expect(out).toBe("products\tlist products, their events, and how their deliveries are signed\n");
  });

  it("accepts an empty word as PowerShell passes it", async () => {
    expect(await suggested("fixtures", '""')).toEqual(await suggested("fixtures", ""));
  });

  it.each([
    [
      ["channels", "create", "Lea"],
      ["Leads.create", "Leads.edit", "Leads.delete", "Leads.all"],
    ],
    [
      ["listen", "--channel", "Leads.all,Dea"],
      ["create", "edit", "delete", "all"].map((verb) => `Leads.all,Deals.${verb}`),
    ],
    [
      ["channels", "list", "--product", ""],
      ["crm", "bigin", "recruit"],
    ],
    [["webhooks", "create", "--product", ""], managedProducts.map(({ id }) => id)],
    [
      ["listen", "--role", ""],
      ["receive", "deliver", "both"],
    ],
  ])("suggests after %j what the command accepts: %j", async (words, wanted) => {
    expect(await suggested(...words)).toEqual(wanted);
  });

  it.each(commands.map(({ name }) => name))("suggests every flag of %s", async (name) => {
    const { out } = await run([name, "--help-all"]);
    const listed = out.split(/^Commands:$/m)[1] ?? "";
    const names = [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, word = ""]) => word);
    const subcommands = names.filter((word) => word !== "help");
    for (const path of subcommands.length === 0 ? [[name]] : subcommands.map((word) => [name, word])) {
      const help = (await run([...path, "--help-all"])).out;
      const flags = [...help.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
      expect(flags).toContain("--json");
      expect((await suggested(...path, "--")).toSorted()).toEqual(flags.toSorted());
    }
  });

  it.each([
    [["send", ""], ids],
    [["send", "DE"], ["desk"]],
    [["send", "desk", ""], namesOf("desk")],
    [
      ["send", "desk", "ticket.c"],
      ["Ticket.Create", "Ticket.Close", "Ticket.Comment.Added"],
    ],
    [
      ["send", "--to", "3000", "books", "bill_"],
      ["bill_created", "bill_updated", "bill_deleted"],
    ],
    [["send", "--to=3000", "books", "bill_d"], ["bill_deleted"]],
    [["send", "--no-fresh", "survey", "s"], ["survey_completed"]],
    [["fixtures", "show", "campaigns", "campaign_o"], ["campaign_opened"]],
    [["fixtures", "eject", "crm", "Tasks.w"], ["Tasks.workflow"]],
    [
      ["products", "cr"],
      ["crm", "creator"],
    ],
    [
      ["listen", "--events", "survey:"],
      ["survey:*", "survey:response_submitted", "survey:survey_completed"],
    ],
    [["listen", "--events", ""], ids.map((id) => `${id}:`)],
    [
      ["listen", "--events", "CR"],
      ["crm:", "creator:"],
    ],
    [["listen", "--expect=desk:ticket.cl"], ["--expect=desk:Ticket.Close"]],
    [["listen", "--expect=des"], ["--expect=desk:"]],
    [["init", "--products", "crm,de"], ["crm,desk"]],
    [["send", "--junit", ""], [":files"]],
    [
      ["config", ""],
      ["show", "help"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh", "fish", "powershell", "help"],
    ],
    [
      ["help", "se"],
      ["send", "sending"],
    ],
    [["--v"], ["--version"]],
    [["send", "nonsense", "x"], []],
    [["no-such-command", "x"], []],
    [["send", "crm", "Leads.create", "x"], []],
    [["send", "--", "--"], []],
  ])("after %j suggests %j", async (words, wanted) => {
    const found = await suggested(...words);
    // New formats may add events whose names also match.
    expect(found).toEqual(expect.arrayContaining(wanted));
    expect(found.filter((word) => !wanted.includes(word) && !namesOf(words[1] ?? "").includes(word))).toEqual([]);
  });

  it("suggests names in every script, and none that a shell would run", async () => {
    const names = [
      "order.created",
      "покупка.создана",
      "खरीद",
      "an order",
      "a$(touch PWN)",
      "a`id`",
      "a;id",
      "a'b",
      "a~b",
      "~*",
      "--to=~",
    ];
    const wanted = names.slice(0, 4);
    const events = (all: readonly string[]) =>
      JSON.stringify({ event: "x", events: Object.fromEntries(all.map((each) => [each, "An order"])) });
    const about = "webhooks/shop/product.json";
    const inProject = async (files: Readonly<Record<string, string>>) => {
      const { out } = await run(["completion", "words", "--", "send", "shop", ""], { cwd: shopProject(files) });
      return out.split("\n").flatMap((line) => line.split("\t")[0] || []);
    };
    expect(await inProject({ [about]: events(wanted) })).toEqual(expect.arrayContaining(wanted));
    for (const name of names.slice(4)) {
      const found = await inProject({ [about]: events([...wanted, name]) });
      expect(found.filter((each) => /[$`;'~]/.test(each))).toEqual([]);
    }
  });

  // Windows has no such file names.
  it.skipIf(lacks("posix")).each(["a\tb", "a\nsend", "a$(id)", "--to=a", "a*"])(
    "refuses the file name %j of an event",
    async (name) => {
      const cwd = shopProject({ [`webhooks/shop/fixtures/${name}.json`]: "{}" });
      const { exitCode, err } = await run(["products"], { cwd });
      expect([exitCode, err]).toEqual([2, expect.stringContaining("an event's name is also a file name")]);
      const { out } = await run(["completion", "words", "--", "send", "shop", ""], { cwd });
      expect(out).not.toMatch(/^(?:a|b|send)\b/m);
    },
  );

  it("suggests no second event", async () => {
    expect(await suggested("send", "crm", "Leads.create", "Leads.u")).toEqual([]);
  });

  it("suggests flags when nothing else fits", async () => {
    expect(await suggested("listen", "")).toContain("--port");
  });

  it("prints the suggestions as JSON", async () => {
    const { lines } = await run(["completion", "words", "--json", "--", "send", "sur"]);
    expect(lines()).toEqual([
      { v: 1, type: "suggestions", suggestions: [{ value: "survey", description: "Zoho Survey" }], files: false },
    ]);
  });
});

describe("completion", () => {
  it.each(["bash", "zsh", "fish", "powershell"])(
    "prints only the script for %s, and how to install it in the help",
    async (shell) => {
      const { exitCode, out, err } = await run(["completion", shell]);
      expect([exitCode, err]).toEqual([0, ""]);
      expect(out.replace(/[',]/g, "")).toContain("completion words --");
      expect(out).not.toContain("Install");
      expect((await run(["completion", shell, "--help"])).out).toContain(`zoho-hooks completion ${shell}`);
    },
  );

  it("requires the name of a shell", async () => {
    const none = await run(["completion"]);
    expect([none.exitCode, none.out]).toEqual([2, ""]);
    expect(none.err).toMatch(/^ {2}bash +print the completion script for bash$/m);
    expect(none.err).not.toContain("error");
    const other = await run(["completion", "tcsh"]);
    expect(other.exitCode).toBe(2);
    expect(other.err).toContain("unknown command 'tcsh'");
  });
});
