import { valueAt } from "../delivery/payload.ts";
import type { Sink } from "../project/context.ts";
import type { Assignment } from "../samples/edit-body.ts";

/** Warns once of each `--set` that adds a member: it may be a typing error, or a path of another format. */
export function addedWarner(
  sink: Pick<Sink, "report">,
  { assignments }: { readonly assignments: readonly Assignment[] },
) {
  const warned = new Set<string>();
  return (body: unknown): void => {
    for (const { path, text } of assignments) {
      if (warned.has(text) || valueAt(body, path) !== undefined) continue;
      warned.add(text);
      sink.report({ type: "warning", message: `added ${text}: the body had none` });
    }
  };
}
