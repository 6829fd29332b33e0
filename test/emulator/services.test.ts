import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { definitions, emptyState, emulatorState } from "../../src/emulator/services/index.ts";

const core = join(import.meta.dirname, "../../src/emulator/emulator.ts");

it("the core of the emulator names no service", () => {
  const text = readFileSync(core, "utf8");
  for (const { name } of definitions) expect(text).not.toMatch(new RegExp(`\\b${name}\\b`, "i"));
});

it("each service has a part of the state with its own name", () => {
  expect(new Set(definitions.map(({ name }) => name)).size).toBe(definitions.length);
  expect(Object.keys(emptyState().services)).toEqual(definitions.map(({ name }) => name));
  expect(emulatorState.safeParse(emptyState()).success).toBe(true);
});
