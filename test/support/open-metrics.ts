export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^(?<name>[a-z_]+)(?:\{(?<labels>.*)\})? (?<value>[0-9.e+-]+|\+Inf|NaN)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g;

/** The samples of an exposition. Throws for a line that OpenMetrics does not allow, or one after the end. */
export function parseOpenMetrics(text: string): readonly Sample[] {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.pop() !== "# EOF") throw new Error("the exposition does not end with # EOF");
  const types = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, kind, name = "", rest = ""] = /^# (TYPE|HELP|UNIT) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (kind === "TYPE") types.set(name, rest);
    if (kind !== undefined) return [];
    const { name: sample = "", labels = "", value } = SAMPLE.exec(line)?.groups ?? {};
    if (value === undefined) throw new Error(`not a line of OpenMetrics: ${line}`);
    const family = [...types].find(([each, type]) => suffixes(type).some((suffix) => each + suffix === sample));
    if (family === undefined) throw new Error(`no type was given for ${sample}`);
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", text = ""]) => [key, text] as const);
    return [{ name: sample, labels: Object.fromEntries(pairs), value: Number(value.replace("+Inf", "Infinity")) }];
  });
}

function suffixes(type: string): readonly string[] {
  if (type === "counter") return ["_total", "_created"];
  return type === "histogram" ? ["_bucket", "_count", "_sum", "_created"] : [""];
}
