import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { generateLineSchema, type JsonSchema, type LineSchema, nameOf } from "../support/line-schema.ts";

const FILE = join(import.meta.dirname, "json-members.txt");

/**
 * A sentence for each member of each line, with its type, and for each value of it that is named: what a script relies on. A member
 * that may be left out has a `?`.
 */
function promises({ anyOf, definitions }: LineSchema): readonly string[] {
  const ofMembers = (at: string, { properties = {}, required = [] }: JsonSchema): readonly string[] =>
    Object.entries(properties).flatMap(([name, schema]) =>
      ofValue(`${at}.${name}${required.includes(name) ? "" : "?"}`, schema),
    );
  const ofValue = (at: string, given: JsonSchema): readonly string[] => {
    const parts = (given.anyOf ?? [given]).map((each) =>
      each.$ref === undefined ? each : definitions[nameOf(each.$ref)],
    );
    const types = parts.flatMap((part) => part?.type ?? "anything");
    return [
      `${at}: ${types.join(" or ")}`,
      ...parts.flatMap((part = {}) => [
        ...(part.enum ?? (part.const === undefined ? [] : [part.const])).map(
          (value) => `${at} = ${JSON.stringify(value)}`,
        ),
        ...[part.items ?? []].flat().flatMap((item) => ofValue(`${at}[]`, item)),
        ...(typeof part.additionalProperties === "object" ? ofValue(`${at}.*`, part.additionalProperties) : []),
        ...ofMembers(at, part),
      ]),
    ];
  };
  return anyOf.flatMap(({ $ref }) => {
    const line = definitions[nameOf($ref)] ?? {};
    return ofMembers(String(line.properties?.type?.const ?? "error"), line);
  });
}

it("keeps every member, type and value that a line ever had; `npm run docs` adds new ones", async () => {
  const now = [...new Set(promises(generateLineSchema()))];
  const kept = readFileSync(FILE, "utf8").trimEnd().split("\n");
  expect(
    kept.filter((each) => !now.includes(each)),
    "is gone, or promises less: scripts rely on it",
  ).toEqual([]);
  await expect(`${now.join("\n")}\n`).toMatchFileSnapshot(FILE);
});
