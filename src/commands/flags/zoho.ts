import type { Command } from "commander";
import { watchProductIds } from "../../channels/products.ts";

export function addZohoOptions(command: Command): Command {
  return command
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .option(`--product <${watchProductIds.join("|")}>`, "the product of the channels", "crm");
}
