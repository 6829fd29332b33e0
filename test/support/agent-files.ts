import { defaultFirst, type Product } from "../../src/model/product.ts";
import { describeProduct } from "../../src/own-products/show-products.ts";
import { noPaint } from "../../src/reports/paint.ts";
import { renderProduct } from "../../src/reports/product.ts";

/** The skill's reference of a product: what `products <product>` prints, and how to get a sample. */
export function skillReference(product: Product): string {
  const style = { out: noPaint, err: noPaint, verbose: false, quiet: false };
  const [first] = defaultFirst(product).flatMap(({ events }) => events);
  const [member = ""] = first?.members ?? [];
  const event = first?.name.replace(/<\w+>/, member) ?? "";
  return [
    `# ${product.title} (\`${product.id}\`)`,
    "",
    `A sample: \`zoho-hooks fixtures show ${product.id} ${event}\`. Sent to your app: \`zoho-hooks send ${product.id} ${event} --to 3000\`.`,
    "",
    "```text",
    renderProduct(describeProduct(product), style).out?.trimEnd(),
    "```",
    "",
  ].join("\n");
}

/** `llms.txt` (https://llmstxt.org) of the index of the documentation. */
export function llmsText(index: string, description: string): string {
  const [, ...sections] = index.split(/^(?=## )/m);
  const skill =
    "- [The skill](skills/zoho-hooks/SKILL.md): what agents get wrong with Zoho webhooks, and the commands that matter";
  const pages = sections
    .join("")
    .replace(/\]\((?!https:)/g, "](docs/")
    .trimEnd();
  return `# zoho-hooks\n\n> ${description}\n\n${skill}\n\n${pages}\n`;
}
