import { UserError, usageError } from "../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { type RecordStore, Refusal, storeOf } from "./answer.ts";
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
export function plant(services: readonly Service[], seed: Seed): void {
  new Planting(services, seed).run();
}

/** What a seed has under the name of a product. */
interface ProductSeed {
  readonly key: string;
  readonly product: string;
  readonly service: Service;
  readonly store: RecordStore;
  /** Channels expire, webhooks do not. */
  readonly kind: "channels" | "webhooks";
  readonly modules: unknown;
  readonly subscriptions: unknown;
  readonly records: Data;
}

class Planting {
  readonly #services: readonly Service[];
  readonly #seed: Seed;

  constructor(services: readonly Service[], seed: Seed) {
    this.#services = services;
    this.#seed = seed;
  }

  run(): void {
    const { users, ...products } = this.#object(this.#seed.content, [], "it is not an object of products", EXAMPLE);
    if (users !== undefined) this.#plantUsers(users);
    const seeds = Object.entries(products).map(([key, given]) => this.#readProduct(key, given));
    for (const each of seeds) if (each.modules !== undefined) this.#declareModules(each);
    for (const each of seeds) this.#createRecords(each);
    for (const each of seeds) this.#subscribe(each);
  }

  #plantUsers(given: unknown): void {
    const users = this.#list(given, ["users"], "user", USERS_EXAMPLE).map((each, i) =>
      this.#attempt(["users", i], "user", () => readUser(each, i)),
    );
    for (const [i, { id }] of users.entries())
      if (users.findIndex((each) => each.id === id) < i)
        throw this.#seed.error(["users", i], `another user has the id ${id}`, "give each its own id, or none");
    if (users.length === 0) throw this.#seed.error(["users"], "it is empty", USERS_EXAMPLE);
    for (const service of this.#services) service.setUsers?.(users);
  }

  #readProduct(key: string, given: unknown): ProductSeed {
    const { service, store } = this.#attempt([key], "product", () => ownerOf(this.#services, key));
    const { product } = store;
    const [kind, other] =
      service.expire === undefined ? (["webhooks", "channels"] as const) : (["channels", "webhooks"] as const);
    const content = this.#object(given, [key], "it is not an object of modules", EXAMPLE);
    const { modules, [kind]: subscriptions = [], ...records } = content;
    if (Object.hasOwn(records, other))
      throw this.#seed.error([key, other], `${product} has ${kind}`, `call it ${kind}`);
    return { key, product, service, store, kind, modules, subscriptions, records };
  }

  #declareModules({ key, product, service, modules }: ProductSeed): void {
    const keys = [key, "modules"];
    if (service.declare === undefined)
      throw this.#seed.error(keys, `the modules of ${product} are fixed`, "leave it out");
    const declared = this.#object(modules, keys, "it is not an object of modules", FIELDS_EXAMPLE);
    for (const [module, described] of Object.entries(declared)) {
      const at = [...keys, module];
      const { fields } = this.#object(described, at, "it is not an object with fields", FIELDS_EXAMPLE);
      const given = this.#list(fields, [...at, "fields"], "field", FIELDS_EXAMPLE);
      const read = given.flatMap(
        (each, i) => this.#attempt([...at, "fields", i], "field", () => readField(each)) ?? [],
      );
      this.#attempt(at, "module", () => service.declare?.(product, module, read));
    }
  }

  #createRecords({ key, store, records }: ProductSeed): void {
    for (const [module, list] of Object.entries(records))
      for (const [i, record] of this.#list(list, [key, module], "record", EXAMPLE).entries())
        this.#attempt([key, module, i], "record", () => store.create(module, record));
  }

  #subscribe({ key, product, service, kind, subscriptions }: ProductSeed): void {
    const noun = kind.slice(0, -1);
    for (const [i, each] of this.#list(subscriptions, [key, kind], noun, "as its API takes a new one").entries())
      this.#attempt([key, kind, i], noun, () => service.subscribe(product, each));
  }

  /** Words a mistake that is found in the work as one at this place of the seed. */
  #attempt<T>(keys: Keys, noun: string, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      const { error } = this.#seed;
      if (thrown instanceof Refusal) throw error(keys, `Zoho would refuse this ${noun}: ${thrown.message}`);
      if (thrown instanceof UserError) throw error(keys, thrown.message, thrown.hint);
      throw thrown;
    }
  }

  #list(value: unknown, keys: Keys, noun: string, hint: string): readonly Data[] {
    if (!Array.isArray(value)) throw this.#seed.error(keys, `it is not a list of ${noun}s`, hint);
    return value.map((each, i) => this.#object(each, [...keys, i], "it is not an object", hint));
  }

  #object(value: unknown, keys: Keys, message: string, hint: string): Data {
    if (isRecord(value)) return value;
    throw this.#seed.error(keys, message, hint);
  }
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
