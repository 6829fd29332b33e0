import { UserError } from "../util/errors.ts";

/** Ends the requests if Zoho always reports another page. */
const MAX_PAGES = 500;

interface ListPage<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Reads a list page by page, from page 1. `noun`: what it lists, for the error. */
export async function readAllPages<T>(
  noun: string,
  readPage: (page: number) => Promise<ListPage<T>>,
): Promise<readonly T[]> {
  const { items, more } = await readPages(MAX_PAGES, readPage);
  if (!more) return items;
  throw new UserError("zohoApi", `Zoho's list of ${noun} has more than ${MAX_PAGES} pages`, "try again later");
}

/** Reads at most so many pages of a list, from page 1. */
export async function readPages<T>(
  maxPages: number,
  readPage: (page: number) => Promise<ListPage<T>>,
): Promise<{ readonly items: T[]; readonly more: boolean }> {
  const found: T[] = [];
  for (let page = 1; page <= maxPages; page++) {
    const { items, more } = await readPage(page);
    found.push(...items);
    if (!more) return { items: found, more };
  }
  return { items: found, more: true };
}
