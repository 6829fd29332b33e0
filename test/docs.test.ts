import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { describe, expect, it } from "vitest";
import { commands } from "../src/commands/index.ts";

const ROOT = join(import.meta.dirname, "..");
const filesBelow = (folder: string, end: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`);
const pages = [...["README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md"], ...filesBelow("docs", ".md")];

const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8").replaceAll("\r\n", "\n");
const withoutBlocks = (markdown: string): string => markdown.replace(/^( *)```[\s\S]*?^\1```$/gm, "");

/** The anchors of a page's headings, as GitHub makes them: https://github.com/gjtorikian/html-pipeline (TableOfContentsFilter). */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutBlocks(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function brokenLinks(page: string): readonly string[] {
  const prose = withoutBlocks(textOf(page)).replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [file = "", anchor] = target.split("#", 2);
    const path = file === "" ? page : relative(ROOT, join(ROOT, dirname(page), file));
    if (!existsSync(join(ROOT, path))) return true;
    return anchor !== undefined && !anchorsOf(textOf(path)).has(anchor);
  });
}

describe("the links of", () => {
  it.each(pages)("%s lead somewhere", (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it("docs/README.md lead to every page", () => {
    const index = textOf("docs/README.md");
    const others = filesBelow("docs", ".md").filter((page) => page !== "docs/README.md");
    expect(others.filter((page) => !index.includes(`](${page.slice("docs/".length)})`))).toEqual([]);
  });
});

describe("a command's help", () => {
  it.each(commands.map(({ name, pages: named }) => [name, named] as const))("%s names pages that exist", (_, named) => {
    expect(named.filter((page) => !existsSync(join(ROOT, "docs", `${page}.md`)))).toEqual([]);
  });
});

/** What stands for a value: an interpolation in the code, a placeholder in a heading. */
const VALUE = "<>";
const withoutValues = (text: string): string => text.replace(/<[^>]+>/g, VALUE);

/** All strings of a file; those of a template with its values replaced. */
function stringsIn(file: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && node.type === "Literal" && "value" in node && typeof node.value === "string")
      found.push(node.value);
    if ("type" in node && node.type === "TemplateLiteral" && "quasis" in node) {
      const parts = node.quasis as readonly { readonly value: { readonly cooked: string } }[];
      found.push(parts.map(({ value }) => value.cooked).join(VALUE));
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(textOf(file), { lang: "ts" }));
  return found;
}

describe("docs/troubleshooting.md", () => {
  const headings = [...textOf("docs/troubleshooting.md").matchAll(/^### (.+)$/gm)].map(([, heading = ""]) => heading);
  const strings = filesBelow("src", ".ts").flatMap(stringsIn).map(withoutValues);

  it.each(headings)("%s is a message of the code", (heading) => {
    expect(heading).toMatch(/^`.+`$/);
    const message = withoutValues(heading.slice(1, -1));
    expect(message.replaceAll(VALUE, "").trim()).not.toBe("");
    expect(strings.some((text) => text.includes(message))).toBe(true);
  });
});
