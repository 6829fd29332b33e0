import { UserError, usageError } from "../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { Refusal } from "./answer.ts";
import { storeOf } from "./control.ts";
import type { Emulator } from "./emulator.ts";

/**
 * Creates the records of a file, such as `{"crm": {"Leads": [{…}]}}`. Throws a usage error with the place of a mistake, and leaves
 * nothing, so that a kept state takes the file once it is right.
 */
export function seed({ stores, reset }: Pick<Emulator, "stores" | "reset">, path: string): void {
  const text = readText(path);
  if (text === undefined) throw usageError(`${path}: no such file`);
  const content = parseJsonFile(text, path);
  const fail = (keys: readonly PropertyKey[], message: string, hint?: string): UserError => {
    reset();
    return fileError(text, path, keys, message, hint);
  };
  if (!isRecord(content)) throw fail([], "it is not an object of products", EXAMPLE);
  for (const [product, modules] of Object.entries(content)) {
    const store = orFail([product], () => storeOf(stores, product));
    if (!isRecord(modules)) throw fail([product], "it is not an object of modules", EXAMPLE);
    for (const [module, records] of Object.entries(modules)) {
      if (!Array.isArray(records)) throw fail([product, module], "it is not a list of records", EXAMPLE);
      for (const [i, record] of records.entries()) {
        if (!isRecord(record)) throw fail([product, module, i], "it is not an object", EXAMPLE);
        orFail([product, module, i], () => store.create(module, record));
      }
    }
  }

  function orFail<T>(keys: readonly PropertyKey[], work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof Refusal) throw fail(keys, `Zoho would refuse this record: ${error.message}`);
      if (error instanceof UserError) throw fail(keys, error.message, error.hint);
      throw error;
    }
  }
}

const EXAMPLE = 'write it as {"crm": {"Leads": [{"Last_Name": "Doe"}]}}';
