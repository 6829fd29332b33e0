import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBin, startBin } from "../support/bin.ts";
import { leakedIn, planted, plantedEnv, plantedProject } from "../support/planted-secrets.ts";
import { startTarget } from "../support/target.ts";

describe("an app that repeats every secret of the process", () => {
  it.each([[[]], [["-v"]], [["--json"]]])("gets none into listen %j, the log's views and exports", async (flags) => {
    const { port, close } = await startTarget((response) => {
      response.writeHead(500);
      response.end(planted.join(" ; "));
    });
    const cwd = plantedProject();
    const options = { cwd, env: { ...plantedEnv, XDG_CONFIG_HOME: join(cwd, ".config") } };
    const argv = [
      "--port",
      "0",
      "--tunnel",
      "none",
      "--retries",
      "0",
      "--forward-to",
      String(port),
      "--expect",
      "crm:*",
    ];
    const child = startBin(["listen", ...argv, ...flags], options);
    const ready = /127\.0\.0\.1:(\d+)/;
    const [, own] = await Promise.any([child.shown(ready), child.said(ready)]);
    await runBin(["send", "crm", "Leads.create", "--to", String(own)], options);
    const listened = await child.ended;
    expect(listened.stdout).toContain("Leads.create");
    expect(leakedIn(listened.stdout + listened.stderr)).toEqual([]);
    for (const words of [
      ["show", "1"],
      ["list", "--all", "--json"],
      ["show", "1", "--curl"],
    ]) {
      const { stdout, stderr } = await runBin(["events", ...words], options);
      expect(stdout).toContain("[masked]");
      expect(leakedIn(stdout + stderr)).toEqual([]);
    }
    const { stdout } = await runBin(["events", "show", "1", "--show-secrets"], options);
    for (const secret of ["SEKRITtoken11", "SEKRITclient55"]) expect(leakedIn(stdout)).toContain(secret);
    await close();
  });
});
