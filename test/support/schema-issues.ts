import { expect } from "vitest";
import { folderWith } from "./files.ts";
import { run } from "./run.ts";

/**
 * What `verify` finds wrong with a body for a JSON Schema: `path: expected, received`. A string that begins with `LONG` stands
 * for a number of which JavaScript would lose digits.
 */
export async function schemaIssues(schema: unknown, body: unknown): Promise<readonly string[]> {
  const toJson = (value: unknown): string => JSON.stringify(value).replace(/"LONG(\d+)"/g, "$1");
  const cwd = folderWith({
    "zoho-hooks.config.json": '{"products":{"flow":{"schema":"schema.json"}}}',
    "schema.json": toJson(schema),
    "body.json": toJson(body),
  });
  const { out, err, exitCode } = await run(["verify", "body.json", "--product", "flow", "--json"], { cwd });
  expect([0, 4], err).toContain(exitCode);
  const [line = ""] = out.split("\n");
  const { schema: result } = JSON.parse(line) as {
    schema: { issues: { path: string; expected: string; received: string }[] };
  };
  expect(result.issues.length === 0).toBe(exitCode === 0);
  return result.issues.map(({ path, expected, received }) => `${path}: ${expected}, ${received}`);
}
