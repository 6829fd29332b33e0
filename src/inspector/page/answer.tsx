import { useSignal } from "@preact/signals";
import { Button, counted, Pairs, Verdict, visible } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import { prettyJson } from "../../util/json-print.ts";
import type { EventDetails, Outcome } from "../api.ts";
import { Json } from "./json.tsx";

type Line = Outcome["lines"][number];
type SentRequest = Pick<EventDetails, "method" | "headers"> & { readonly url: string; readonly body: string };
type Signature = { readonly id: string; readonly result: string; readonly reason: string };
type Cause = { readonly meaning: string; readonly remedy?: string };
interface Explained {
  readonly id: string;
  readonly canonical: string;
  readonly findings: readonly (Cause & { readonly matches: boolean })[];
  readonly likely: Cause | null;
}

/** The result of an operation: its lines as fields, else its notes. */
export function Answer({ outcome: { lines, notes } }: { readonly outcome: Outcome }) {
  const of = (type: string) => lines.filter((line) => line.type === type);
  const [sent, explained, differences] = [of("sent"), of("verified"), of("difference")];
  const warnings = of("warning").map(({ message }) => String(message));
  if (differences.length > 0) return <Differences lines={differences} />;
  if (sent.length + explained.length > 0) return [...sent.map(sentFields), ...explained.map(explainedFields)];
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  return <pre tabIndex={0}>{visible([...warnings, ...notes].join("\n"))}</pre>;
}

const SENT = { URL: "url", Why: "error", "What to do": "hint", Body: "reply", Note: "notes" };

/** The answer to what was posted, or a preview of it. */
function sentFields(line: Line) {
  if (line.request !== undefined) {
    const { method, url, headers, body } = line.request as SentRequest;
    return (
      <>
        <Pairs of={[["Request", `${method} ${url}`], ...headers]} />
        <Json key={body} text={prettyJson(body)} />
      </>
    );
  }
  const status = line.status as number | null;
  const tone = status !== null && status < 300 ? "good" : "bad";
  const answer = [<Verdict tone={tone}>{status ?? "none"}</Verdict>, ` in ${milliseconds(Number(line.latency_ms))}`];
  const others = Object.entries(SENT).map(([name, member]) => [name, String(line[member] ?? "") || null] as const);
  return <Pairs of={[["Answer", answer], ...others]} />;
}

function explainedFields(line: Line) {
  const explanations = (line.explanations ?? []) as readonly Explained[];
  const signatures = line.signatures as readonly Signature[];
  return (
    <>
      <Pairs of={signatures.map(({ id, result, reason }) => [id, `${result.replace("_", " ")}: ${reason}`])} />
      {explanations.map(({ id, canonical, findings, likely }) => {
        const causes = findings.filter(({ matches }) => matches);
        const others = findings.filter(({ matches }) => !matches);
        const shown = causes.length > 0 ? causes : [likely ?? { meaning: "no common mistake explains it" }];
        return (
          <div key={id}>
            {shown.map(({ meaning, remedy = null }) => (
              <Pairs
                key={meaning}
                of={Object.entries({ Why: <strong>{visible(meaning)}</strong>, "What to do": remedy })}
              />
            ))}
            <details>
              <summary>What it covers, and {others.length} causes that were ruled out</summary>
              <pre>{visible(canonical)}</pre>
              <p>{visible(others.map(({ meaning }) => meaning).join("; "))}</p>
            </details>
          </div>
        );
      })}
    </>
  );
}

export function milliseconds(ms: number): string {
  return `${Math.round(ms).toLocaleString("en")} ms`;
}

/** Rows that are drawn at first. */
const MAX_DIFFERENCES = 200;
const SIGNS: Readonly<Record<string, string>> = { added: "+", removed: "−", changed: "~" };

/** Beside one another, or where it is narrow (app.css), one below the other. */
function Differences({ lines }: { readonly lines: readonly Line[] }) {
  const all = useSignal(false);
  const shown = all.value ? lines : lines.slice(0, MAX_DIFFERENCES);
  return (
    <>
      <table class="differences">
        <thead>
          <tr>
            {["Path", "Before", "After"].map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ path, change, before, after }) => (
            <tr key={String(path)}>
              <td>
                <span class={`sign ${change}`}>{SIGNS[String(change)]}</span> {visible(String(path))}
              </td>
              <td class={before === null ? "" : "before"}>{visible(String(before ?? ""))}</td>
              <td class={after === null ? "" : "after"}>{visible(String(after ?? ""))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < lines.length && (
        <Button onPress={set(all, true)}>Show all {counted(lines.length, "difference")}</Button>
      )}
    </>
  );
}
