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
