import { Button, visible } from "../../page-kit/page/parts.tsx";
import { into } from "../../page-kit/page/signals.ts";
import type { ApiRecord } from "../answer.ts";
import { act, chosenModule, place, records, showRecord, view } from "./model.ts";
import { Table } from "./table.tsx";

/** Names of fields that tell one record from another. */
const TELLING = [/^(?!first|last).*name$|_title$|subject/i, /stage|status/i, /company|total|amount/i, /email/i];
const MAX_FIELDS = 3;

export function Records() {
  const modules = view.value?.modules ?? [];
  const fields = tellingFields(records.value);
  const remove = (id: string) => act(`Deleted ${chosenModule} ${id}`, "records", { ...place(), action: "delete", id });
  return (
    <Table
      title="Records"
      heads={["id", ...fields, "Actions"]}
      rows={records.value.map((record) => [
        record.id,
        <code>{record.id}</code>,
        ...fields.map((name) => visible(String(record[name] ?? ""))),
        <span class="actions">
          <Button label={`Change ${record.id}`} onPress={() => showRecord(record)}>
            Change
          </Button>
          <Button label={`Delete ${record.id}`} onPress={() => remove(record.id)}>
            Delete
          </Button>
        </span>,
      ])}
      empty="None yet."
    >
      <select aria-label="Module" value={chosenModule.value} onChange={into(chosenModule)}>
        {modules.map(({ product, name, count }) => (
          <option key={`${product} ${name}`} value={`${product} ${name}`}>
            {product} {name} {count > 0 && `(${count.toLocaleString("en")})`}
          </option>
        ))}
      </select>
      <span class="space" />
      <Button class="primary" onPress={() => showRecord()}>
        Create
      </Button>
    </Table>
  );
}

function tellingFields(list: readonly ApiRecord[]): readonly string[] {
  const isShort = (value: unknown) => typeof value === "number" || (typeof value === "string" && value !== "");
  const entries = list.slice(0, 20).flatMap((record) => Object.entries(record));
  const names = entries.flatMap(([name, value]) => (name !== "id" && isShort(value) ? [name] : []));
  const telling = TELLING.flatMap((pattern) => names.find((name) => pattern.test(name)) ?? []);
  return [...new Set([...telling, ...names])].slice(0, MAX_FIELDS);
}
