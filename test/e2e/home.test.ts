import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

it.skipIf(lacks("posix")).each([{ HOME: "" }, { HOME: "." }, { XDG_CONFIG_HOME: ".config" }])(
  "takes no folder of the project for the user's: %j",
  async (env) => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, ".config/zoho-hooks"), { recursive: true });
    writeFileSync(join(cwd, ".config/zoho-hooks/config.json"), '{ "port": 1 }');
    const { status, stdout } = await runBin(["config", "show"], { cwd, env });
    expect(status).toBe(0);
    expect(stdout).not.toContain(".config/zoho-hooks/config.json");
  },
);
