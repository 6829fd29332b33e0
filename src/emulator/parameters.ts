import { type ApiRequest, Unmodelled } from "./answer.ts";

/** What the query parameters of a list do. */
export interface Parameters<Row> {
  /** What a parameter selects; undefined for one that narrows nothing here. */
  filter(name: string): ((row: Row, wanted: string) => boolean) | undefined;
  /** Those that narrow the list at Zoho and not here. A request with one is refused, as its answer would hold too much. */
  readonly unmodelled: readonly string[];
  /** Those with an effect of their own, such as a page. Any other one is named in the terminal. */
  readonly own: readonly string[];
}

export interface Telling {
  note(message: string): void;
}

/** The rows that the parameters of a request select. Throws Unmodelled for one that is not modelled. */
export function selected<Row>(
  request: Pick<ApiRequest, "method" | "path" | "query">,
  rows: readonly Row[],
  { filter, unmodelled, own }: Parameters<Row>,
  { note }: Telling,
): readonly Row[] {
  const { method, path, query } = request;
  const tests = [...query].flatMap(([name, wanted]) => {
    const test = filter(name);
    if (test !== undefined) return [(row: Row) => test(row, wanted)];
    if (unmodelled.includes(name)) throw new Unmodelled(`the parameter ${name}`);
    if (!own.includes(name)) note(`the parameter ${name} of ${method} ${path} changes nothing here`);
    return [];
  });
  return rows.filter((row) => tests.every((test) => test(row)));
}
