import { expect, it } from "vitest";
import { surviveKills } from "../support/reconcile-kills.ts";

it("reconcile finds what was missed over kills of listen and of itself, and nothing else", async () => {
  const note = await surviveKills({ changes: 200, ofListen: 20, ofReconcile: 5 });
  process.stdout.write(note);
  expect(note).toMatch(/^200 changes/);
});
