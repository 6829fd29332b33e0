import { maskText } from "../../delivery/mask.ts";
import type { Context, Sink } from "../../project/context.ts";
import { counted } from "../../util/units.ts";
import type { Finding } from "../finding.ts";
import { type CheckLine, checkLine } from "../lines.ts";

/** More are not named. */
const MAX_NAMED = 6;

/** Shows findings at once. For people, checks that are skipped for the same reason share one line at the end. */
export function createResults({ json, report }: Pick<Sink<CheckLine>, "json" | "report">) {
  const skippedFor = new Map<string, string[]>();
  const reasons = new Set<string>();
  return {
    show(finding: Finding): void {
      const { id, outcome, text, details } = finding;
      if (json) report(checkLine(finding));
      else if (outcome === "skipped") skippedFor.set(text, [...(skippedFor.get(text) ?? []), id]);
      else {
        // A person needs each reason once; scripts read each line by itself.
        const { why = "", ...rest } = details ?? {};
        report(checkLine({ ...finding, details: reasons.has(why) ? rest : details }));
        reasons.add(why);
      }
    },
    flush(): void {
      for (const [text, ids] of skippedFor) {
        const [id = ""] = ids;
        const isNamed = ids.length > 1 && ids.length <= MAX_NAMED;
        report(
          checkLine({
            id: ids.length === 1 ? id : counted(ids.length, "check"),
            outcome: "skipped",
            text,
            details: isNamed ? { skipped: ids.join(", ") } : undefined,
          }),
        );
      }
    },
  };
}

const MAX_DETAIL = 240;

/** An answer may repeat the secrets that it was sent. */
export function findingMasker({ knownSecrets }: Pick<Context, "knownSecrets">): (finding: Finding) => Finding {
  // First by value: after maskText or a cut, a part of a secret might be left.
  const mask = (text: string): string => maskText(knownSecrets.maskCut(text));
  const cut = (text: string): string => (text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL)}…`);
  return (finding) => ({
    ...finding,
    text: mask(finding.text),
    details: Object.fromEntries(
      Object.entries(finding.details ?? {}).map(([label, detail]) => [label, cut(mask(detail))]),
    ),
  });
}
