import { join } from "node:path";
import { requireProduct } from "../model/named.ts";
import { defaultFirst, type Product } from "../model/product.ts";
import { describeProduct } from "../own-products/show-products.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { noPaint } from "../reports/paint.ts";
import { renderProduct } from "../reports/product.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import { readNamedFile } from "../util/files.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .argument("[product]", "print what the skill says of this product")
    .addHelpText("before", examples("zoho-hooks skill", "zoho-hooks skill sign"))
    .addHelpText("after", HELP)
    .action(act(skill));
};

const HELP = `
To install it, copy node_modules/zoho-hooks/skills/zoho-hooks to where your agent looks for skills, such as .claude/skills/.`;

async function skill(context: Context, id: string | undefined): Promise<ExitCode> {
  const text = id === undefined ? skillText(context) : productText(requireProduct(products, id));
  context.report({ type: "text", text });
  return ExitCode.ok;
}

function skillText({ packageRoot }: Context): string {
  return readNamedFile(join(packageRoot, "skills/zoho-hooks/SKILL.md")).toString("utf8");
}

/** What `products <product>` prints, as Markdown, and how to get and send a sample. */
function productText(product: Product): string {
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
