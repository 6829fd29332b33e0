import { join } from "node:path";
import { requireProduct } from "../model/named.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
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
  const file = id === undefined ? "SKILL.md" : `references/${requireProduct(products, id).id}.md`;
  const text = readNamedFile(join(context.packageRoot, "skills/zoho-hooks", file)).toString("utf8");
  context.report({ type: "text", text });
  return ExitCode.ok;
}
