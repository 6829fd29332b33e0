// Refuses to publish what is not ready (prepublishOnly), and prints what has to be done. Usage: node .ci/publishable.js [--notes],
// which prints the section of this version in CHANGELOG.md, for the release at GitHub.
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const { version, repository } = JSON.parse(read("package.json"));
// Set in a workflow of GitHub.
const { GITHUB_REPOSITORY, GITHUB_REF_TYPE, GITHUB_REF_NAME } = process.env;

// npm derives the homepage and the address for bugs from it, and resolves the README's pictures and links by it.
const [, name = ""] = /github\.com\/([^/]+\/[^/]+?)\.git$/.exec(repository.url) ?? [];
const [, heading = "", notes = ""] =
  new RegExp(`^## ${version.replaceAll(".", "\\.")}\\b(.*)\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, "m").exec(
    read("CHANGELOG.md"),
  ) ?? [];

const problems = [
  name.startsWith("OWNER/") && "package.json: put the owner at GitHub in the place of OWNER in repository.url",
  GITHUB_REPOSITORY !== undefined &&
    GITHUB_REPOSITORY !== name &&
    `package.json: repository.url names ${name}, and this is ${GITHUB_REPOSITORY}: npm refuses the provenance of another one`,
  GITHUB_REF_TYPE === "tag" &&
    GITHUB_REF_NAME !== `v${version}` &&
    `the tag ${GITHUB_REF_NAME} is not v${version}, the version in package.json`,
  !/^ - \d{4}-\d\d-\d\d$/.test(heading) && `CHANGELOG.md: write the heading "## ${version} - <date as 2026-12-31>"`,
].filter((problem) => problem !== false);
if (problems.length > 0) {
  console.error(["not ready to publish (see RELEASING.md):", ...problems.map((each) => `  ${each}`)].join("\n"));
  process.exitCode = 1;
} else if (process.argv[2] === "--notes") console.log(notes.trim());
