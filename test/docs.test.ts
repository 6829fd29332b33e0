import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { describe, expect, it } from "vitest";
import { commands } from "../src/commands/index.ts";
import type { Product } from "../src/model/product.ts";
import { products } from "../src/products/index.ts";

const ROOT = join(import.meta.dirname, "..");
const filesBelow = (folder: string, end: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`);
const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "ARCHITECTURE.md"],
  ...["llms.txt", "skills/zoho-hooks/SKILL.md"],
  ...filesBelow("docs", ".md"),
  ...filesBelow("examples", ".md"),
];

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

/** The files that a page links to, from the root on, and the anchors in them. */
function linksOf(page: string): readonly { readonly path: string; readonly anchor: string | undefined }[] {
  const prose = withoutBlocks(textOf(page)).replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor] = target.split("#", 2);
      return { path: file === "" ? page : posix.join(posix.dirname(page), file), anchor };
    });
}

const leadsNowhere = ({ path, anchor }: ReturnType<typeof linksOf>[number]): boolean =>
  !existsSync(join(ROOT, path)) || (anchor !== undefined && !anchorsOf(textOf(path)).has(anchor));

const { files } = JSON.parse(textOf("package.json")) as { readonly files: readonly string[] };
const isPacked = (path: string): boolean =>
  !files.includes(`!${path}`) && files.some((file) => path === file || path.startsWith(`${file}/`));
/** Links of the README for who has cloned the repository. */
const REPOSITORY_ONLY = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

it("where npx asks nobody, it runs what is installed, or a version that is named", () => {
  const wrong = [...pages, "action.yml", "src/commands/mcp/index.ts"].flatMap((file) => {
    const text = textOf(file).replaceAll('"npx", "args": ["', "npx ").replaceAll('", "', " ");
    // Files for CI, and what agents start.
    const unattended = [
      ...text.matchAll(/^( *)```(?:yaml|groovy|json|sh file=)[\s\S]*?^\1```$/gm),
      ...text.matchAll(/^.*npx .*\bmcp\b.*$/gm),
    ].join("\n");
    return [...unattended.matchAll(/\bnpx (\S+) (\S+)/g)]
      .filter(([, flag, name = ""]) => flag !== "--no-install" && !(flag === "--yes" && /@\d/.test(name)))
      .map(([call]) => `${file}: ${call}`);
  });
  expect(wrong).toEqual([]);
});

it("the pages say how many formats are modelled", () => {
  const formats = (products as readonly Product[]).flatMap((product) => product.formats);
  const modelled = formats.filter(({ evidence }) => evidence === "modelled").length;
  const [readme, page] = ["README.md", "docs/formats.md"].map((path) => textOf(path).replace(/\s+/g, " "));
  expect(readme).toContain(
    `${formats.length} payload formats for ${products.length} products. ${modelled} of them are our best guess`,
  );
  expect(page).toContain(`${modelled} of the ${formats.length} are `);
});

describe("the links of", () => {
  it.each(pages)("%s lead somewhere", (page) => {
    expect(linksOf(page).filter(leadsNowhere)).toEqual([]);
  });

  it.each(pages.filter(isPacked))("%s lead to files that are in the package", (page) => {
    const paths = linksOf(page).map(({ path }) => path);
    expect(
      paths.filter((path) => !isPacked(path) && !(page === "README.md" && REPOSITORY_ONLY.includes(path))),
    ).toEqual([]);
  });

  it("docs/README.md lead to every page of the package", () => {
    const index = textOf("docs/README.md");
    const others = filesBelow("docs", ".md").filter((page) => isPacked(page) && page !== "docs/README.md");
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

it("docs/library.md names the permissions that Deno was tried with", () => {
  const [, flags = "nothing"] = /deno run ((?:--allow-\w+ )+)/.exec(textOf(".ci/frameworks")) ?? [];
  expect(textOf("docs/library.md")).toContain(`\`${flags.trim()}\``);
});
