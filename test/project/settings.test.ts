import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SETTINGS, settingText } from "../../src/project/settings.ts";
import { run } from "../support/run.ts";

const docs = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8").split("\n");
const variables = Object.fromEntries(
  SETTINGS.flatMap(({ variable }) => (variable === undefined ? [] : [[variable, ""]])),
);

let shown: readonly Readonly<Record<string, unknown>>[];
let warnings: string;
let help: string;
beforeAll(async () => {
  const show = await run(["config", "show", "--json"], { env: variables });
  shown = show.lines();
  warnings = show.err;
  help = (await run(["listen", "--help-all"])).out;
});

describe("the row of a setting decides its flag, its variable and its default:", () => {
  it.each(SETTINGS.map((row) => [row.key, row] as const))("%s", (_, { path, flag, default: value }) => {
    expect(shown).toContainEqual(
      expect.objectContaining({ key: path.join("."), value: value ?? null, origin: "default" }),
    );
    const [, long = ""] = /(--\S+)/.exec(flag?.[0] ?? "") ?? [];
    expect(help).toContain(long);
    if (flag?.[1].includes("(default: {}") === true) expect(help.replace(/\s+/g, " ")).toContain(settingText(_, value));
  });

  it("its variable is known", () => {
    expect(warnings).toBe("");
  });

  it.each(SETTINGS.map((row) => [row.path.join("."), row] as const))(
    "docs/configuration.md has %s and its default",
    (_, { key, path: [name = "", below], default: value }) => {
      const line = docs.find((each) => each.startsWith("|") && each.includes(`\`${name}\``)) ?? "";
      if (below !== undefined) expect(line).toContain(`"${below}"`);
      else if (typeof value !== "object" && value !== false && key !== "maxBody")
        expect(line).toContain(`\`${settingText(key, value)}\``);
      else expect(line).not.toBe("");
    },
  );
});
