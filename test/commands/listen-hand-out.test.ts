import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { desktop } from "../support/desktop.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

// What a desktop offers has other names on macOS and Windows.
describe.runIf(process.platform === "linux")("listen", () => {
  it("copies the webhook URL to the clipboard with --copy, using whichever program exists", async () => {
    const { path, seen } = desktop("xclip");
    listener = await startListener(["--copy"], { env: { PATH: path } });
    await expect.poll(() => existsSync(seen)).toBe(true);
    expect(readFileSync(seen, "utf8")).toBe(`-selection clipboard ${listener.url}/webhooks/zoho/crm`);
  });

  it("warns if there is no clipboard program", async () => {
    const of = await startListener(["--copy", "--open"], { env: { PATH: tempFolder() } });
    listener = of;
    const warnings = () => of.lines().flatMap(({ type, message }) => (type === "warning" ? [String(message)] : []));
    await expect
      .poll(() => warnings().sort())
      .toEqual([
        expect.stringContaining("could not be copied to the clipboard"),
        expect.stringContaining("could not be opened in the browser"),
      ]);
  });

  it("warns if --open finds no browser", async () => {
    const path = tempFolder();
    writeFileSync(join(path, "xdg-open"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
    const of = await startListener(["--open"], { env: { PATH: path } });
    listener = of;
    await expect
      .poll(() => of.lines().find((line) => line.type === "warning")?.message)
      .toContain("could not be opened in the browser");
  });

  it("opens the webhook URL in the browser with --open", async () => {
    const { path, seen } = desktop("xdg-open");
    listener = await startListener(["--open"], { env: { PATH: path } });
    await expect.poll(() => existsSync(seen)).toBe(true);
    expect(readFileSync(seen, "utf8")).toBe(`${listener.url}/webhooks/zoho/crm `);
  });
});
