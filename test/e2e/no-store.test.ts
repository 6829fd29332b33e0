import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CRM, lead } from "../support/forward-run.ts";
import { type ListenProcess, startListenProcess } from "../support/listen-process.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const HOUR_MS = 3_600_000;

it("takes away the folder of an earlier --no-store run that was killed, and of no other", {
  timeout: 60_000,
}, async () => {
  const temp = tempFolder();
  const target = ["--no-store", "--forward-to", String(await freePort())];
  const start = (): Promise<ListenProcess> =>
    startListenProcess(target, { cwd: tempFolder(), env: { TMPDIR: temp, TEMP: temp } });
  const runs = (): readonly string[] => readdirSync(temp).filter((name) => name.startsWith("zoho-hooks-run-"));
  const age = (name: string): void => utimesSync(join(temp, name), new Date(), new Date(Date.now() - HOUR_MS));

  const killed = await start();
  const body = lead(1);
  await fetch(killed.url + CRM, { method: "POST", body, headers: { "content-type": "application/json" } });
  const [left = ""] = runs();
  await killed.kill();
  const alive = await start();
  // It may still be starting, for all that can be seen.
  expect(runs()).toContain(left);
  const other = runs().find((name) => name !== left) ?? "";
  const foreign = join(temp, "zoho-hooks-run-foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "notes.txt"), "mine");
  // As what cleans the temporary folder does with a file that has not been touched for days.
  const robbed = await start();
  const ofRobbed = runs().find((name) => ![left, other, "zoho-hooks-run-foreign"].includes(name)) ?? "";
  // Windows lets nobody.
  if (process.platform !== "win32") rmSync(join(temp, ofRobbed, "events.db-lock"));
  for (const name of [left, other, ofRobbed, "zoho-hooks-run-foreign"]) age(name);

  const last = await start();
  expect(runs()).not.toContain(left);
  expect(runs()).toEqual(expect.arrayContaining([other, ofRobbed]));
  expect(existsSync(join(foreign, "notes.txt"))).toBe(true);
  expect((await alive.stop()).exitCode).toBe(0);
  expect((await robbed.stop()).exitCode).toBe(0);
  expect((await last.stop()).exitCode).toBe(0);
  expect(runs()).toEqual(["zoho-hooks-run-foreign"]);
});
