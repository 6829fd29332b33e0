import { prettyJson } from "../../util/json-print.ts";
import type { DifferenceLine, ExplainedLine, Outcome, SentLine } from "../api.ts";
import { Lines } from "./body.tsx";
import { Pairs, Verdict, visible } from "./parts.tsx";

/** What a command said: its lines of `--json` as fields, else its text. */
export function Answer({ outcome: { lines, text } }: { readonly outcome: Outcome }) {
  const of = <T,>(type: string) => lines.filter((line) => line.type === type) as unknown as readonly T[];
  const differences = of<DifferenceLine>("difference");
  if (differences.length > 0) return <Differences of={differences} />;
  const sent = of<SentLine>("sent");
  const explained = of<ExplainedLine>("verified");
  if (sent.length + explained.length > 0)
    return (
      <>
        {sent.map((line) => (
          <Sent key={line.url} line={line} />
        ))}
        {explained.map((line) => (
          <Explained key="explained" line={line} />
        ))}
      </>
    );
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  return <pre tabIndex={0}>{visible(text.trimEnd())}</pre>;
}

function Sent({ line: { url, status, latency_ms, error, hint, reply, notes, request } }: { readonly line: SentLine }) {
  if (request !== undefined)
    return (
      <>
        <Pairs of={[["Request", `${request.method} ${url}`], ...request.headers]} />
        <Lines key={request.body} text={prettyJson(request.body)} isJson={true} />
      </>
    );
  const isGood = status !== null && status < 300;
  return (
    <Pairs
      of={[
        [
          "Answer",
          <>
            <Verdict tone={isGood ? "good" : "bad"}>{status ?? "none"}</Verdict> in {milliseconds(latency_ms)}
          </>,
        ],
        ["URL", url],
        ["Why", error],
        ["What to do", hint ?? null],
        ["Body", reply || null],
        ["Note", notes.join("; ") || null],
      ]}
    />
  );
}

function Explained({ line: { signatures, explanations = [], problem } }: { readonly line: ExplainedLine }) {
  return (
    <>
      <Pairs
        of={[
          ["Problem", problem],
          ...signatures.map(({ id, result, reason }) => [id, `${result.replace("_", " ")}: ${reason}`] as const),
        ]}
      />
      {explanations.map(({ id, canonical, findings, likely }) => {
        const [causes, others] = [
          findings.filter(({ matches }) => matches),
          findings.filter(({ matches }) => !matches),
        ];
        const shown = causes.length > 0 ? causes : [likely ?? { meaning: "no common mistake explains it" }];
        return (
          <div key={id}>
            <Pairs
              of={[
                ...shown.flatMap(({ meaning, remedy = null }) => [
                  ["Why", <strong>{visible(meaning)}</strong>] as const,
                  ["What to do", remedy] as const,
                ]),
                ["It covers", canonical.length > MAX_COVERED ? `${canonical.slice(0, MAX_COVERED)} …` : canonical],
              ]}
            />
            {others.length > 0 && (
              <details>
                <summary>{others.length} other causes were ruled out</summary>
                <ul>
                  {others.map(({ meaning }) => (
                    <li key={meaning}>{visible(meaning)}</li>
                  ))}
                </ul>
              </details>
            )}
          </div>
        );
      })}
    </>
  );
}

const MAX_COVERED = 160;

export function milliseconds(ms: number | null): string {
  return ms === null ? "" : `${Math.round(ms).toLocaleString("en")} ms`;
}

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

function Differences({ of: differences }: { readonly of: readonly DifferenceLine[] }) {
  return (
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
        {differences.map(({ path, change, before, after }) => (
          <tr key={path}>
            <td>
              <span class={`sign ${change}`} title={change}>
                {SIGNS[change]}
              </span>{" "}
              {visible(path)}
            </td>
            <td class={before === null ? "" : "before"}>{visible(before ?? "")}</td>
            <td class={after === null ? "" : "after"}>{visible(after ?? "")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
