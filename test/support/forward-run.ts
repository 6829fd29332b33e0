import { readFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import { type Listener, startListener } from "./listener.ts";
import type { RunOptions } from "./run.ts";
import type { Answer, TargetOptions } from "./target.ts";
import { startTargetApp, type TargetApp } from "./target-app.ts";

/** An app that is stopped after the test. */
export async function app(answer?: Answer, options?: TargetOptions): Promise<TargetApp> {
  const started = await startTargetApp(answer, options);
  onTestFinished(() => started.stop());
  return started;
}

/** A `listen` that is stopped after the test. */
export async function listen(argv: readonly string[], options?: RunOptions): Promise<Listener> {
  const listener = await startListener(argv, options);
  onTestFinished(async () => void (await listener.stop()));
  return listener;
}

const template = readFileSync(new URL("../../fixtures/crm/guide/Leads.create.json", import.meta.url), "utf8");

/** A valid event about a record of its own; with `record` an update of that one. */
export function lead(i: number, record?: string): string {
  const id = record ?? `48768760000014${String(i).padStart(5, "0")}`;
  const operation = record === undefined ? "create" : "update";
  return JSON.stringify({ ...(JSON.parse(template) as object), operation, ids: [id], note: `lead ${i}` });
}

/** Which of the leads a body is. */
export function leadNumber({ body }: { readonly body: Buffer }): number {
  return Number(/"note":"lead (\d+)"/.exec(body.toString())?.[1]);
}

export const CRM = "/webhooks/zoho/crm";
