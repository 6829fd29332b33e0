import { wrapLine } from "../wrap.ts";

/** A text below the line that it belongs to, broken between words where the terminal ends. */
export function below(
  text: string,
  indent: string,
  columns: number,
  paint: (line: string) => string = (line) => line,
): readonly string[] {
  return text
    .split("\n")
    .flatMap((each) => wrapLine(indent + each, columns).map((line) => indent + paint(line.trimStart())));
}
