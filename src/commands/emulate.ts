import type { Command } from "commander";
import { EMULATOR_PORT } from "../emulator/published.ts";
import { advance, fail, reset } from "../emulator/remote.ts";
import { emulate } from "../emulator/run.ts";
import { examples } from "../terminal/help.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .addHelpText(
      "before",
      examples("zoho-hooks emulate", "zoho-hooks emulate fail 429 --times 3", "zoho-hooks emulate advance 6d"),
    )
    .addHelpText("after", HELP);
  // Without a subcommand, emulate runs this one, and has its options in its help.
  command
    .command("start", { hidden: true })
    .description("Serve one Zoho organisation until Ctrl-C.")
    .option(
      "-p, --port <port>",
      `port to listen on, 0 for any free one (default: ${EMULATOR_PORT}, or the next free one)`,
    )
    .option("--host <host>", "address to listen on (default: 127.0.0.1)")
    .option("--base-url <url>", "address by which its clients reach it, such as http://zoho:4480 (default: its own)")
    .option("--state <file>", "keep what the organisation holds in this file")
    .option("--seed <file>", "start with what this JSON file has, and go back to it at a reset")
    .option("--env", "only print the variables for this folder's emulator, and start nothing")
    .addHelpText("before", examples("zoho-hooks emulate --state zoho.json"))
    .action(act(emulate));
  addUrl(command.command("fail"))
    .description("Make a running emulator fail: its next answers or its next deliveries.")
    .argument(
      "<fault>",
      "of answers: 429, 503 or another status, 3s for a slow one, silence, cut; of deliveries: lost, late, twice, out-of-order",
    )
    .option("--times <count>", "how many of them", "1")
    .option("--retry-after <duration>", "the Retry-After of the answers, such as 5s")
    .addHelpText(
      "before",
      examples("zoho-hooks emulate fail 429 --times 3 --retry-after 5s", "zoho-hooks emulate fail lost"),
    )
    .action(act(fail));
  addUrl(command.command("advance"))
    .description("Age all that a running emulator holds: channels and tokens expire sooner. Its clock stays.")
    .argument("<duration>", "such as 6d or 55m")
    .addHelpText("before", examples("zoho-hooks emulate advance 6d"))
    .action(act(advance));
  addUrl(command.command("reset"))
    .description("Put a running emulator back to its start: its seed, or nothing.")
    .addHelpText("before", examples("zoho-hooks emulate reset"))
    .action(act(reset));
};

function addUrl(command: Command): Command {
  const usual = "that of ZOHO_API_URL if it is on this machine, else this folder's";
  return command.option("--url <url>", `address of the running emulator (default: ${usual})`);
}

const HELP = `
It answers as Zoho's accounts server and as the APIs of CRM, Bigin, Recruit, Desk, Books and Sign, and posts what
they would post, signed as they sign. Nothing leaves this machine but the deliveries, which go where you say. It needs no
account. What it has, and what differs from Zoho: zoho-hooks help emulator.

The client, refresh token and secrets that --env prints are the same for every emulator and open nothing at Zoho. Your
app and listen need them to verify what the emulator posts. In PowerShell, and with node --env-file: zoho-hooks help
emulator.

Without --state everything is gone at the end. Where the file of --state is not empty, --seed
is used at a reset only.`;
