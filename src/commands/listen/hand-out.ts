import type { Context } from "../../context.ts";
import type { ReadyReport } from "../../core/report.ts";
import { copyText, openInBrowser } from "../desktop.ts";

/** Hands the first product's webhook URL to the person at the machine, as they asked for. */
export async function handOut(
  context: Context,
  { urls, url: base }: ReadyReport,
  { open = false, copy = false }: { readonly open?: boolean; readonly copy?: boolean },
): Promise<void> {
  const url = Object.values(urls)[0] ?? base;
  const warn = (what: string): void =>
    context.report({
      type: "warning",
      message: `${url} could not be ${what}: there is no program for it, or it failed`,
    });
  if (open) openInBrowser(context, url, () => warn("opened in the browser"));
  if (!copy) return;
  if (await copyText(context, url)) context.report({ type: "notice", message: `${url} is copied to the clipboard` });
  else warn("copied to the clipboard");
}
