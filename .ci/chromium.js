// Installs Debian's Chromium for the tests of the inspector's page, where there is none and it can be had. They are skipped without.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

if (!existsSync("/usr/bin/chromium") && existsSync("/usr/bin/apt-get") && process.getuid?.() === 0) {
  const run = (...words) =>
    execFileSync("apt-get", words, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  try {
    run("update", "-qq");
    run("install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core");
  } catch {
    console.error("chromium could not be installed: the tests of the inspector's page are skipped");
  }
}
