import { type FilterOptions, isFiltered } from "./filter.ts";

export function emptyMessage(options: FilterOptions, path: string): string {
  return isFiltered(options)
    ? "no delivery in the log matches"
    : `the event log ${path} is empty: nothing has been received yet, or everything was pruned`;
}
