import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { fileStore } from "../../src/library/index.ts";
import { startApp } from "../support/app.ts";
import { IS_LONG } from "../support/faults.ts";
import { folderWith } from "../support/files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const urlOf = (entry: string): string => JSON.stringify(pathToFileURL(join(root, "dist/library", entry)).href);
const KILLS = IS_LONG ? 200 : 20;

it("a channel is one, and its token can be had, after processes were killed wherever they were", async () => {
  const app = await startApp();
  onTestFinished(() => app.zoho.close());
  const path = join(folderWith({}), "zoho.json");
  const spec = { name: "billing", url: "https://app.example/zoho", token: "t0ken", events: ["Leads.all"] };
  const { fetch: _fetch, ...options } = app.options;
  const script = `
    import { connectZoho } from ${urlOf("connect.js")};
    import { fileStore } from ${urlOf("index.js")};
    const zoho = connectZoho({ ...${JSON.stringify(options)}, store: fileStore(${JSON.stringify(path)}) });
    console.log("begun");
    await zoho.keepAlive(${JSON.stringify(spec)});
    await zoho.keepAlive({ ...${JSON.stringify(spec)}, url: "https://new.example" });
    console.log("done");`;
  let done = 0;
  for (let i = 0; i < KILLS; i++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await once(child.stdout, "data");
    setTimeout(() => child.kill("SIGKILL"), (i / KILLS) * 200);
    await once(child, "exit");
    if (said.includes("done")) done++;
    expect(app.zoho.subscriptions().length).toBeLessThanOrEqual(1);
  }
  expect(done).toBeLessThan(KILLS);
  expect(await app.connect({ store: fileStore(path) }).keepAlive(spec)).toMatchObject({ id: expect.any(String) });
  expect(app.zoho.subscriptions()).toMatchObject([{ url: spec.url }]);
});

it("an access token is refreshed by another instance ten seconds after the one that began has died", async () => {
  const app = await startApp();
  onTestFinished(() => app.zoho.close());
  const store = fileStore(join(folderWith({}), "zoho.json"));
  await new Promise<void>((begun) => {
    const fetch = (): Promise<Response> => {
      begun();
      return new Promise(() => {});
    };
    const dead = app.connect({ store, fetch });
    dead.accessToken().catch(() => {});
  });
  const startedAt = performance.now();
  expect(await app.connect({ store }).accessToken()).toMatch(/^1000\./);
  expect(performance.now() - startedAt).toBeGreaterThan(9_000);
  expect(app.tokenRequests()).toBe(1);
});
