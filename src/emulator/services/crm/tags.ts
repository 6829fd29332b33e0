import { isRecord } from "../../../util/json.ts";
import { type Answer, errorAnswer, type Result } from "../../answer.ts";
import { nextId, type StoredRecord, textOf } from "../../state.ts";
import { answerResults, missing, refuseItem, success, writeEach, zohoTime } from "./api.ts";
import type { CrmModule } from "./modules.ts";
import type { CrmState, StoredTag } from "./state.ts";
import type { Users } from "./users.ts";

/** https://www.zoho.com/crm/developer/docs/api/v8/add-tags.html */
const MAX_RECORDS = 500;

/** What a call about tags is about. */
interface TagCall {
  readonly store: {
    readonly product: string;
    find(module: CrmModule, id: string): StoredRecord | undefined;
    changeAll(module: CrmModule, items: readonly unknown[]): readonly Result[];
  };
  readonly module: CrmModule;
  readonly query: URLSearchParams;
  readonly json: unknown;
}

/** The tags of each module, which a tag of a record creates. */
export class Tags {
  readonly #own: () => CrmState;
  readonly #users: Users;
  readonly #now: () => number;

  constructor(own: () => CrmState, users: Users, now: () => number) {
    this.#own = own;
    this.#users = users;
    this.#now = now;
  }

  list(product: string, module: CrmModule): Answer {
    const tags = this.#of(product, module);
    if (tags.length === 0) return { status: 204 };
    return {
      status: 200,
      body: {
        tags: tags.map((tag) => ({ ...this.#stamps(tag), name: tag.name })),
        info: { count: tags.length, allowed_count: 100 },
      },
    };
  }

  create(product: string, module: CrmModule, json: unknown): Answer {
    const { tags: given } = isRecord(json) ? json : {};
    if (!Array.isArray(given) || given.length === 0)
      return errorAnswer(400, "MANDATORY_NOT_FOUND", "required field not found", { api_name: "tags" });
    const results = writeEach(given, (item: unknown): Result => {
      const name = textOf(Object(item).name).trim();
      if (name === "")
        throw refuseItem({
          code: "MANDATORY_NOT_FOUND",
          message: "required field not found",
          details: { api_name: "name" },
        });
      if (this.#find(product, module, name) !== undefined)
        throw refuseItem({ code: "DUPLICATE_DATA", message: "duplicate data", details: { api_name: "name" } });
      const tag = this.named(product, module, { ...Object(item), name });
      return success(this.#stamps(tag), "tags created successfully");
    });
    return answerResults("tags", results, 201);
  }

  remove(product: string, id: string): Answer {
    for (const tags of Object.values(this.#own().tags[product] ?? {})) {
      const index = tags.findIndex((tag) => tag.id === id);
      if (index === -1) continue;
      tags.splice(index, 1);
      return answerResults("tags", [success({ id }, "tags deleted successfully")], 200);
    }
    return errorAnswer(400, "INVALID_DATA", "the id given seems to be invalid", { id });
  }

  /** Adds tags to records or removes them; `ids` from the path, the body or the query. */
  change({ store, module, query, json }: TagCall, mode: "add" | "remove", inPath: string | undefined): Answer {
    const body = isRecord(json) ? json : {};
    const ids = inPath === undefined ? listIn(body.ids ?? query.get("ids")) : [inPath];
    const names = [
      ...listIn(query.get("tag_names")),
      ...listIn(body.tags).map((tag) => textOf(isRecord(tag) ? tag.name : tag)),
    ].filter((name) => name !== "");
    if (ids.length === 0) return missing("ids");
    if (names.length === 0) return missing("tags");
    if (ids.length > MAX_RECORDS)
      return errorAnswer(400, "LIMIT_EXCEEDED", "limit exceeded", { maximum_length: MAX_RECORDS });
    const isReplacing = body.over_write === true || query.get("over_write") === "true";
    const results = ids.map(textOf).flatMap((id): readonly Result[] => {
      const record = store.find(module, id);
      const old =
        record === undefined || isReplacing ? [] : listIn(record.data.Tag).map((tag) => textOf(Object(tag).name));
      const kept = mode === "add" ? [...new Set([...old, ...names])] : old.filter((name) => !names.includes(name));
      const [result] = store.changeAll(module, [{ id, Tag: kept.map((name) => ({ name })) }]);
      if (result?.code !== "SUCCESS") return result === undefined ? [] : [result];
      return [success({ id, tags: store.find(module, id)?.data.Tag ?? [] }, "tags updated successfully")];
    });
    return answerResults("data", results, 200);
  }

  /** The tag with a name, made if it is new. */
  named(product: string, module: CrmModule, given: Readonly<Record<string, unknown>>): StoredTag {
    const name = textOf(given.name);
    const found = this.#find(product, module, name);
    if (found !== undefined) return found;
    const color_code = typeof given.color_code === "string" ? given.color_code : null;
    const tag = { id: nextId(this.#own()), name, color_code, createdAt: this.#now() };
    this.#of(product, module).push(tag);
    return tag;
  }

  #stamps({ id, createdAt, color_code }: StoredTag): Readonly<Record<string, unknown>> {
    const { full_name: name, id: userId } = this.#users.current;
    const by = { name, id: userId };
    const time = zohoTime(createdAt);
    return { created_time: time, modified_time: time, modified_by: by, id, created_by: by, color_code };
  }

  #find(product: string, module: CrmModule, name: string): StoredTag | undefined {
    return this.#of(product, module).find((tag) => tag.name.toLowerCase() === name.toLowerCase());
  }

  #of(product: string, { apiName }: CrmModule): StoredTag[] {
    const { tags } = this.#own();
    const own = tags[product] ?? {};
    const found = own[apiName] ?? [];
    tags[product] = Object.assign(own, { [apiName]: found });
    return found;
  }
}

function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return textOf(value)
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
