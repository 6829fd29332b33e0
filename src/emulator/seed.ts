import { UserError, usageError } from "../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { Refusal, storeOf } from "./answer.ts";
import type { Service } from "./service.ts";
import type { DeclaredField, User } from "./state.ts";

/** What an organisation has at its start, as the user wrote it. */
export interface Seed {
  readonly content: unknown;
  /** Words a mistake at a place in it. */
  error(keys: readonly PropertyKey[], message: string, hint?: string): UserError;
}

/** The seed in a file. Throws a usage error for one that is not JSON. */
export function readSeed(path: string): Seed {
  const text = readText(path);
  if (text === undefined) throw usageError(`${path}: no such file`);
  return {
    content: parseJsonFile(text, path),
    error: (keys, message, hint) => fileError(text, path, keys, message, hint),
  };
}

type Keys = readonly PropertyKey[];
type Data = Readonly<Record<string, unknown>>;

const EXAMPLE = 'write it as {"crm": {"Leads": [{"Last_Name": "Doe"}]}}';
const FIELDS_EXAMPLE = 'as GET settings/fields answers it: {"fields": [{"api_name": "Badge", "data_type": "text"}]}';
/** Seeded users without an id get these. */
const FIRST_USER = 554023000000235012n;

/**
 * Puts a seed into an empty organisation: first its users and modules, then the records, in their order, and last what subscribes to
 * their changes, so that nothing is posted. Throws a usage error with the place of a mistake.
 */
export function plant(services: readonly Service[], { content, error }: Seed): void {
  const attempt = <T>(keys: Keys, noun: string, work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof Refusal) throw error(keys, `Zoho would refuse this ${noun}: ${thrown.message}`);
      if (thrown instanceof UserError) throw error(keys, thrown.message, thrown.hint);
      throw thrown;
    }
  };
  const listAt = (value: unknown, keys: Keys, noun: string, hint: string): readonly Data[] => {
    if (!Array.isArray(value)) throw error(keys, `it is not a list of ${noun}s`, hint);
    return value.map((each, i) => objectAt(each, [...keys, i], "it is not an object", hint));
  };
  const objectAt = (value: unknown, keys: Keys, message: string, hint: string): Data => {
    if (isRecord(value)) return value;
    throw error(keys, message, hint);
  };

  const { users, ...products } = objectAt(content, [], "it is not an object of products", EXAMPLE);
  if (users !== undefined) {
    const read = listAt(users, ["users"], "user", USERS_EXAMPLE).map((each, i) =>
      attempt(["users", i], "user", () => readUser(each, i)),
    );
    for (const [i, { id }] of read.entries())
      if (read.findIndex((each) => each.id === id) < i)
        throw error(["users", i], `another user has the id ${id}`, "give each its own id, or none");
    if (read.length === 0) throw error(["users"], "it is empty", USERS_EXAMPLE);
    for (const service of services) service.setUsers?.(read);
  }
  const planted = Object.entries(products).map(([key, given]) => {
    const { service, store } = attempt([key], "product", () => ownerOf(services, key));
    const { product } = store;
    // Channels expire, webhooks do not.
    const [kind, other] = service.expire === undefined ? ["webhooks", "channels"] : ["channels", "webhooks"];
    const content = objectAt(given, [key], "it is not an object of modules", EXAMPLE);
    const { modules, [kind]: subscriptions, ...records } = content;
    if (Object.hasOwn(records, other)) throw error([key, other], `${product} has ${kind}`, `call it ${kind}`);
    return { key, product, service, store, kind, modules, subscriptions, records };
  });
  for (const { key, product, service, modules } of planted) {
    if (modules === undefined) continue;
    const keys = [key, "modules"];
    if (service.declare === undefined) throw error(keys, `the modules of ${product} are fixed`, "leave it out");
    for (const [module, described] of Object.entries(
      objectAt(modules, keys, "it is not an object of modules", FIELDS_EXAMPLE),
    )) {
      const at = [...keys, module];
      const { fields } = objectAt(described, at, "it is not an object with fields", FIELDS_EXAMPLE);
      const given = listAt(fields, [...at, "fields"], "field", FIELDS_EXAMPLE);
      const read = given.flatMap((each, i) => attempt([...at, "fields", i], "field", () => readField(each)) ?? []);
      attempt(at, "module", () => service.declare?.(product, module, read));
    }
  }
  for (const { key, store, records } of planted)
    for (const [module, list] of Object.entries(records))
      for (const [i, record] of listAt(list, [key, module], "record", EXAMPLE).entries())
        attempt([key, module, i], "record", () => store.create(module, record));
  for (const { key, product, service, kind, subscriptions = [] } of planted)
    for (const [i, each] of listAt(
      subscriptions,
      [key, kind],
      kind.slice(0, -1),
      `as its API takes a new one`,
    ).entries())
      attempt([key, kind, i], kind.slice(0, -1), () => service.subscribe(product, each));
}

const USERS_EXAMPLE = 'write it as [{"first_name": "Ana", "last_name": "Lima", "email": "ana@example.com"}]';

function ownerOf(services: readonly Service[], product: string) {
  const store = storeOf(
    services.flatMap(({ records }) => records),
    product,
  );
  const service = services.find(({ records }) => records.includes(store));
  if (service === undefined) throw new Error(`no service has the records of ${product}`);
  return { service, store };
}

function readUser(given: Data, index: number): User {
  const { id = String(FIRST_USER + BigInt(index)), first_name = "", last_name, email } = given;
  if (typeof id !== "string" || !/^\d+$/.test(id)) throw usageError("id is not a text of digits", USERS_EXAMPLE);
  if (typeof email !== "string" || email === "") throw usageError("email is missing", USERS_EXAMPLE);
  if (typeof last_name !== "string" || typeof first_name !== "string")
    throw usageError("last_name is missing", USERS_EXAMPLE);
  const full_name = [first_name, last_name].filter((name) => name !== "").join(" ");
  return { full_name, ...given, id, email };
}

/** A field as `settings/fields` answers it. Undefined for one that only Zoho writes, which the emulator has or does not. */
function readField(given: Data): DeclaredField | undefined {
  const { api_name, data_type = "text", system_mandatory, read_only, pick_list_values, lookup } = given;
  if (typeof api_name !== "string" || !/^\w+$/.test(api_name)) throw usageError("api_name is missing", FIELDS_EXAMPLE);
  if (typeof data_type !== "string") throw usageError("data_type is not a text", FIELDS_EXAMPLE);
  if (read_only === true) return undefined;
  const values = Array.isArray(pick_list_values)
    ? pick_list_values.map((each) => String(isRecord(each) ? each.actual_value : each))
    : undefined;
  const target = isRecord(lookup) ? lookup.module : lookup;
  const module = isRecord(target) ? target.api_name : target;
  return {
    api_name,
    data_type,
    ...(system_mandatory === true && { system_mandatory }),
    ...(values !== undefined && values.length > 0 && { values }),
    ...(data_type === "lookup" && typeof module === "string" && { module }),
  };
}
