import type { Command } from "commander";
import { addSettingFlags, collect } from "./index.ts";

export function addStoreFlag(command: Command): Command {
  return addSettingFlags(command.optionsGroup("Event log:"), "store");
}

export const SHOW_SECRETS_FLAG = [
  "--show-secrets",
  "show tokens, signatures and authorization headers as they came",
] as const;

/** Filters of the commands that count or compare all deliveries of a period. */
export function addPeriodFilters(command: Command): Command {
  return addPeriod(addProduct(command));
}

/** Filters of the commands that select single deliveries. */
export function addFilters(command: Command): Command {
  addProduct(command)
    .option("-e, --event <pattern>", "only these events, such as 'crm:Leads.*' (repeatable)", collect)
    .option(
      "--only <kinds>",
      "only these: failed, rejected, invalid, duplicate, or a status such as 401 or 4xx; with several, such as failed,invalid, any of them",
      collect,
    )
    .option(
      "--where <path=value>",
      "only with this value at this place, such as data.Email=a@b.c (repeatable)",
      collect,
    );
  return addPeriod(command);
}

function addProduct(command: Command): Command {
  return command.option("-p, --product <product>", "only this product");
}

function addPeriod(command: Command): Command {
  return command
    .option(
      "--since <time>",
      "only what arrived in the last 10m, 2h or 7d, or since yesterday, 2026-05-01 or 2026-05-01T10:00",
    )
    .option("--until <time>", "only what arrived before such a time; a day is its 00:00, local time");
}
