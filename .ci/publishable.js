import { readFileSync } from "node:fs";

// npm shows these beside the package, and resolves the README's pictures and links by the repository.
const NEEDED = ["repository", "homepage", "bugs"];

const fields = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const missing = NEEDED.filter((name) => !fields[name]);
if (missing.length > 0) {
  console.error(
    `package.json has no ${missing.join(", no ")}: set what CONTRIBUTING.md lists under Publishing, and publish again`,
  );
  process.exitCode = 1;
}
