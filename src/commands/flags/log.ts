import type { Command } from "commander";
import { addSettingFlags, collect } from "./index.ts";

export function addStoreFlag(command: Command): Command {
  return addSettingFlags(command.optionsGroup("Event log:"), "store");
}

export function addLogFlags(command: Command): Command {
  return addStoreFlag(command).option("--show-secrets", "show tokens, signatures and authorization as they came");
}

export function addFilters(command: Command): Command {
  return command
    .option("-p, --product <product>", "only this product")
    .option("-e, --event <pattern>", "only these events, such as 'crm:Leads.*' (repeatable)", collect)
    .option("--status <status>", "only what was answered with this status: 401, 4xx or 400-499")
    .option("--rejected", "only what was rejected: your app did not get it")
    .option("--invalid", "only invalid bodies: not matching the schema, unreadable, or of an unknown event")
    .option("--duplicates", "only repeats: the same event, or the same bytes")
    .option("--search <text>", "only with this text in the body or URL")
    .option(
      "--where <path=value>",
      "only with this value at this place, such as data.Email=a@b.c (repeatable)",
      collect,
    )
    .option(
      "--since <time>",
      "only what arrived in the last 10m, 2h or 7d, or since yesterday, 2026-05-01 or 2026-05-01T10:00",
    )
    .option("--until <time>", "only what arrived before such a time; a day is its 00:00, local time")
    .option("--failed", "only what failed: your app did not accept it, and no attempt follows");
}
