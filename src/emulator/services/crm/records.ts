import { isRecord } from "../../../util/json.ts";
import { type Answer, type ApiRecord, errorAnswer, type RecordStore, Refusal, type Result } from "../../answer.ts";
import { memberOf, nextId, type StoredRecord, textOf, type User } from "../../state.ts";
import { refuseItem, success, writeEach, zohoTime } from "./api.ts";
import { type CrmModule, type Field, type Modules, maxLength } from "./modules.ts";
import type { CrmState, ModuleRecords } from "./state.ts";
import type { Tags } from "./tags.ts";
import { mentioned, type Users } from "./users.ts";
import type { Change } from "./watch.ts";
import { instant } from "./watch-item.ts";

export interface RecordsOptions {
  readonly product: string;
  own(): CrmState;
  readonly users: Users;
  now(): number;
  readonly modules: Modules;
  readonly tags: Tags;
  notify(change: Change): void;
  note(message: string): void;
}

type Data = Readonly<Record<string, unknown>>;
export type RecordEntry = readonly [id: string, record: StoredRecord];

/** A record that was written, and what the API answers. */
interface Written {
  readonly verb: Change["verb"];
  readonly id: string;
  readonly record: StoredRecord;
  readonly fields: readonly string[];
  readonly result: Result;
}

/** The records of CRM, Bigin or Recruit. Every write tells the channels that watch its module, once for all of its records. */
export class Records implements RecordStore {
  readonly product: string;
  readonly #options: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.product = options.product;
    this.#options = options;
  }

  modules(): readonly { readonly name: string; readonly count: number }[] {
    return this.#options.modules
      .all(this.product)
      .map((module) => ({ name: module.apiName, count: this.count(module) }));
  }

  list(module: string, limit: number): readonly ApiRecord[] {
    const known = this.#module(module);
    const rows = this.rows(known).slice(0, limit);
    return rows.map((row) => this.shown(known, row));
  }

  create(module: string, data: Data): ApiRecord {
    const known = this.#module(module);
    return this.#written(known, this.createAll(known, [data]));
  }

  change(module: string, id: string, data: Data): ApiRecord {
    const known = this.#module(module);
    return this.#written(known, this.changeAll(known, [{ ...data, id }]));
  }

  remove(module: string, id: string): void {
    accepted(this.removeAll(this.#module(module), [id]));
  }

  count(module: CrmModule): number {
    return Object.keys(this.#of(module).live).length;
  }

  /** The newest first. */
  rows(module: CrmModule): readonly RecordEntry[] {
    return Object.entries(this.#of(module).live).reverse();
  }

  find(module: CrmModule, id: string): StoredRecord | undefined {
    return memberOf(this.#of(module).live, id);
  }

  deleted(module: CrmModule): ModuleRecords["deleted"] {
    return this.#of(module).deleted;
  }

  /** A record with all fields, or with those that are named, as the API answers it. */
  shown(module: CrmModule, [id, record]: RecordEntry, only?: readonly string[]): ApiRecord {
    const names = only ?? [...new Set([...module.fields.keys(), ...Object.keys(record.data)])];
    const known = names.filter((name) => module.fields.has(name) || Object.hasOwn(record.data, name));
    return { id, ...this.#values(module, record, known) };
  }

  /** One field of a record, as the API answers it; null where it is empty. */
  value(module: CrmModule, record: StoredRecord, name: string): unknown {
    if (name === "Created_Time") return zohoTime(record.createdAt);
    if (name === "Modified_Time") return zohoTime(record.changedAt);
    if (name === "Full_Name") return this.#name(module, record);
    const field = module.fields.get(name);
    if (field?.type === "ownerlookup") return mentioned(this.#userIn(name === "Owner" ? record.data.Owner : null));
    const value = memberOf(record.data, name) ?? (field?.type === "tag" ? [] : null);
    if (field?.type !== "lookup" || !isRecord(value)) return value;
    const owner = this.ownerOf(idOf(value), field.module);
    if (owner === undefined) return field.module === undefined ? value : null;
    const shown = { name: this.#name(owner.module, owner.record), id: value.id };
    const { apiName: api_name, id } = owner.module;
    return field.module === ANY ? { module: { api_name, id }, ...shown } : shown;
  }

  /** A field, or a member of a reference, such as `Owner.name` or `Account_Name.Website`. */
  read(module: CrmModule, record: StoredRecord, path: string): unknown {
    const [name = "", member] = path.split(".");
    const value = this.value(module, record, name);
    if (member === undefined || !isRecord(value)) return value;
    if (Object.hasOwn(value, member)) return value[member];
    const owner = this.ownerOf(idOf(value), module.fields.get(name)?.module);
    return owner === undefined ? null : this.value(owner.module, owner.record, member);
  }

  /** The record to which an id refers, in one module or in any. */
  ownerOf(id: string, module = ANY): { readonly module: CrmModule; readonly record: StoredRecord } | undefined {
    const { modules } = this.#options;
    for (const each of module === ANY ? modules.all(this.product) : [modules.find(this.product, module)]) {
      const record = each && this.find(each, id);
      if (each !== undefined && record !== undefined) return { module: each, record };
    }
    return undefined;
  }

  createAll(module: CrmModule, items: readonly unknown[]): readonly Result[] {
    return this.#writeEach(module, items, (item, i) => this.#create(module, item, i));
  }

  changeAll(module: CrmModule, items: readonly unknown[]): readonly Result[] {
    return this.#writeEach(module, items, (item, i) => this.#change(module, item, i));
  }

  /** Changes the records that have the same value in one of the fields, and creates the others. */
  upsertAll(module: CrmModule, items: readonly unknown[], fields: readonly string[]): readonly Result[] {
    const known = fields.map((field) => ({ field, ids: this.#idsBy(module, field) }));
    return this.#writeEach(module, items, (item, i) => {
      if (!isRecord(item)) return this.#create(module, item, i);
      const keys = known.map(({ field, ids }) => ({ field, ids, key: keyOf(memberOf(item, field)) }));
      const found = keys.find(({ ids, key }) => key !== undefined && ids.has(key));
      const id = item.id ?? found?.ids.get(found.key ?? "");
      const written = id === undefined ? this.#create(module, item, i) : this.#change(module, { ...item, id }, i);
      for (const { ids, key } of keys) if (key !== undefined) ids.set(key, written.id);
      const duplicate_field = item.id === undefined ? (found?.field ?? null) : "id";
      const action = id === undefined ? "insert" : "update";
      return { ...written, result: { ...written.result, duplicate_field, action } };
    });
  }

  removeAll(module: CrmModule, ids: readonly string[]): readonly Result[] {
    const { live, deleted } = this.#of(module);
    return this.#writeEach(module, ids, (id) => {
      const record = this.find(module, id);
      if (record === undefined)
        throw refuseItem({ code: "INVALID_DATA", message: "record not deleted", details: { id } });
      delete live[id];
      deleted.push({ id, name: this.#name(module, record), deletedAt: this.#options.now() });
      const fields = ["Modified_By", "Record_Status__s"];
      return { verb: "delete", id, record, fields, result: success({ id }, "record deleted") };
    });
  }

  /** Writes each item, and tells the channels what was written. */
  #writeEach<Item>(
    module: CrmModule,
    items: readonly Item[],
    write: (item: Item, i: number) => Written,
  ): readonly Result[] {
    const written: Written[] = [];
    const results = writeEach(items, (item, i) => {
      const done = write(item, i);
      written.push(done);
      return done.result;
    });
    for (const verb of ["create", "edit", "delete"] as const) {
      const group = written.filter((each) => each.verb === verb);
      if (group.length > 0) this.#tell(module, verb, group);
    }
    return results;
  }

  #idsBy(module: CrmModule, field: string): Map<string, string> {
    const ids = new Map<string, string>();
    for (const [id, { data }] of Object.entries(this.#of(module).live)) {
      const key = keyOf(memberOf(data, field));
      if (key !== undefined) ids.set(key, id);
    }
    return ids;
  }

  #create(module: CrmModule, item: unknown, i: number): Written {
    const data = this.#checked(module, item, i);
    const missing = [...module.fields.values()].find((field) => field.mandatory && data[field.apiName] === undefined);
    if (missing !== undefined) throw mandatory(i, missing.apiName);
    const [id, at] = [nextId(this.#options.own()), this.#options.now()];
    const Owner = { id: this.#options.users.current.id };
    const record = { data: { Owner, ...data }, createdAt: at, changedAt: at };
    this.#of(module).live[id] = record;
    const result = success(detailsOf([id, record], this.#options.users.current), "record added");
    return { verb: "create", id, record, fields: Object.keys(data), result };
  }

  #change(module: CrmModule, item: unknown, i: number): Written {
    const data = this.#checked(module, item, i);
    const id = textOf((item as Data).id);
    if (id === "") throw mandatory(i, "id");
    const record = this.find(module, id);
    if (record === undefined) throw invalid(i, "id", {}, "the id given seems to be invalid");
    const isChanged = (name: string): boolean =>
      JSON.stringify(data[name]) !== JSON.stringify(memberOf(record.data, name) ?? null);
    const fields = Object.keys(data).filter(isChanged);
    Object.assign(record, { data: { ...record.data, ...data }, changedAt: this.#options.now() });
    return {
      verb: "edit",
      id,
      record,
      fields,
      result: success(detailsOf([id, record], this.#options.users.current), "record updated"),
    };
  }

  /** The fields of an item to store. Throws a Refusal for an invalid one; whether one is missing is not looked at. */
  #checked(module: CrmModule, item: unknown, i: number): Data {
    if (!isRecord(item)) throw invalid(i, undefined, { expected_data_type: "jsonobject" });
    for (const [name, value] of Object.entries(item)) {
      const field = module.fields.get(name);
      if (field === undefined) {
        if (OWN_MEMBERS.test(name) || module.isComplete) continue;
        this.#options.note(`${module.apiName} has no field ${name}; if it is yours, put it in the seed`);
      }
      if (field === undefined || field.readOnly) continue;
      if (value !== null && value !== "") {
        const details = this.#valueError(field, value);
        if (details !== undefined) throw invalid(i, name, details);
      } else if (field.mandatory) throw mandatory(i, name);
    }
    const data = toData(module, item);
    if (!Array.isArray(data.Tag)) return data;
    const tags = data.Tag.map((tag) => {
      const { name, id, color_code } = this.#options.tags.named(this.product, module, tag);
      return { name, id, color_code };
    });
    return { ...data, Tag: tags };
  }

  /** Details of the error of a value; undefined for a valid one. */
  #valueError({ type, module, values }: Field, value: unknown): Data | undefined {
    if (type === "picklist" && typeof value === "string" && !values.includes(value))
      return { supported_values: values };
    if (!(TYPES[type] ?? isText)(value)) return { expected_data_type: type === "picklist" ? "text" : type };
    const maximum_length = maxLength(type);
    if (typeof value === "string" && value.length > maximum_length) return { maximum_length };
    if (type === "ownerlookup")
      return this.#options.users.find(idOf(value)) === undefined ? { expected_data_type: type } : undefined;
    const isKnown = type !== "lookup" || module === undefined || this.ownerOf(idOf(value), module) !== undefined;
    return isKnown ? undefined : { expected_data_type: type };
  }

  /** The user that a field names, or else the one who does whatever is done. */
  #userIn(value: unknown): User {
    const { users } = this.#options;
    return (isRecord(value) ? users.find(idOf(value)) : undefined) ?? users.current;
  }

  /** Tells the channels of a module, and those that watch the records to which the written ones refer. */
  #tell(module: CrmModule, verb: Change["verb"], written: readonly Written[]): void {
    const { product } = this;
    const deletion = { Modified_By: mentioned(this.#options.users.current), Record_Status__s: 0 };
    this.#options.notify({
      product,
      module: module.apiName,
      verb,
      ids: written.map(({ id }) => id),
      fields: verb === "create" ? [] : written.map(({ id, fields }) => ({ [id]: fields })),
      values: written.map(({ id, record, fields }) => ({
        record_id: id,
        values: verb === "delete" ? deletion : this.#values(module, record, fields),
      })),
    });
    for (const [parent, ids] of this.#parents(module, written))
      this.#options.notify({ product, module: parent, verb: "edit", ids: [...ids], related: true });
  }

  /** The ids of existing records to which others refer, by module. */
  #parents(module: CrmModule, children: readonly Pick<Written, "record">[]): ReadonlyMap<string, ReadonlySet<string>> {
    const parents = new Map<string, Set<string>>();
    for (const { apiName, module: parent } of module.fields.values())
      for (const { record } of parent === undefined ? [] : children) {
        const id = idOf(record.data[apiName]);
        const name = this.ownerOf(id, parent)?.module.apiName;
        if (name !== undefined) parents.set(name, (parents.get(name) ?? new Set()).add(id));
      }
    return parents;
  }

  #written(module: CrmModule, results: readonly Result[]): ApiRecord {
    const { id } = accepted(results).details as { id: string };
    return this.shown(module, [id, this.find(module, id) as StoredRecord]);
  }

  #values(module: CrmModule, record: StoredRecord, names: readonly string[]): Data {
    return Object.fromEntries(names.map((name) => [name, this.value(module, record, name)]));
  }

  #name(module: CrmModule, { data }: StoredRecord): string {
    return module.naming.flatMap((name) => memberOf(data, name) ?? []).join(" ");
  }

  #of(module: CrmModule): ModuleRecords {
    const { records } = this.#options.own();
    const own = memberOf(records, this.product) ?? {};
    const found = memberOf(own, module.apiName) ?? { live: {}, deleted: [] };
    records[this.product] = Object.assign(own, { [module.apiName]: found });
    return found;
  }

  #module(name: string): CrmModule {
    const found = this.#options.modules.find(this.product, name);
    if (found === undefined) throw new Refusal(invalidModule());
    return found;
  }
}

export function invalidModule(): Answer {
  return errorAnswer(400, "INVALID_MODULE", "The module name given seems to be invalid");
}

/** The only result of a write; throws one that is an error. */
function accepted([result]: readonly Result[]): Result {
  if (result?.code !== "SUCCESS") throw new Refusal({ status: 400, body: { data: [result] } });
  return result;
}

/** Details of the result of a write. */
function detailsOf([id, { createdAt, changedAt }]: RecordEntry, { full_name: name, id: userId }: User): Data {
  const by = { name, id: userId };
  const [Created_Time, Modified_Time] = [createdAt, changedAt].map(zohoTime);
  return { Modified_Time, Modified_By: by, Created_Time, id, Created_By: by };
}

/** Members of an item that are not fields, such as `$append_values`. */
const OWN_MEMBERS = /^(id|se_module|\$.*)$/;
/** The module of a lookup that refers to any. */
const ANY = "*";

/** Returns the stored fields of an item: without those that Zoho sets. Of a module whose fields are not all known, it keeps any. */
function toData(module: CrmModule, item: Data): Data {
  const names = Object.keys(item).filter((name) => {
    const field = module.fields.get(name);
    if (field === undefined) return !module.isComplete && !OWN_MEMBERS.test(name) && /^[A-Za-z]\w{0,99}$/.test(name);
    return !field.readOnly;
  });
  return Object.fromEntries(
    names.map((name) => {
      const [value, type] = [item[name], module.fields.get(name)?.type];
      if (value === "") return [name, null];
      return [name, isReferenceType(type) && value !== null ? { id: idOf(value) } : value];
    }),
  );
}

function isReferenceType(type: string | undefined): boolean {
  return type === "lookup" || type === "ownerlookup";
}

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isReference = (value: unknown): boolean => /^\d{1,19}$/.test(idOf(value));
/** Of those that are not text. */
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  integer: (value) => Number.isInteger(value),
  double: isNumber,
  currency: isNumber,
  boolean: (value) => typeof value === "boolean",
  email: (value) => isText(value) && /^[^\s@]{1,64}@[^\s@]+\.[^\s@.]+$/.test(textOf(value)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(textOf(value)) && !Number.isNaN(Date.parse(textOf(value))),
  datetime: (value) => instant(value) !== undefined,
  jsonarray: Array.isArray,
  tag: (value) => Array.isArray(value) && value.every((tag) => isRecord(tag) && isText(tag.name) && tag.name !== ""),
  lookup: isReference,
  ownerlookup: isReference,
};

/** A reference is an object with an id, or the id. */
function idOf(value: unknown): string {
  return textOf(isRecord(value) ? value.id : value);
}

/** Text is compared without regard to case. Undefined is the key of no value. */
function keyOf(value: unknown): string | undefined {
  return value === null || value === undefined || value === "" ? undefined : JSON.stringify(value).toLowerCase();
}

function mandatory(i: number, api_name: string): Refusal {
  const details = { api_name, json_path: `$.data[${i}].${api_name}` };
  return refuseItem({ code: "MANDATORY_NOT_FOUND", message: "required field not found", details });
}

function invalid(i: number, api_name: string | undefined, details: Data = {}, message = "invalid data"): Refusal {
  const place =
    api_name === undefined ? { json_path: `$.data[${i}]` } : { api_name, json_path: `$.data[${i}].${api_name}` };
  return refuseItem({ code: "INVALID_DATA", message, details: { ...details, ...place } });
}
