import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { jsonFlaw, parseJson } from "../../util/json.ts";
import { prettyJson } from "../../util/json-print.ts";
import { BodyField, Choice, Form, Modal } from "../../web/page/dialogs.tsx";
import { Lines } from "../../web/page/lines.tsx";
import { Button, Pairs, Time, visible, withEscapes } from "../../web/page/parts.tsx";
import { into, set } from "../../web/page/signals.ts";
import type { ApiRecord } from "../answer.ts";
import { lacksSecrets, type SampleProduct, type WholeDelivery } from "../view.ts";
import { act, dialog, message, place, view } from "./model.ts";
import { iso, Result } from "./traffic.tsx";

const close = set(dialog, null);

export function Dialogs() {
  const { value: open } = dialog;
  if (open?.kind === "record") return <RecordForm {...open} />;
  if (open?.kind === "sample") return <Sample from={open.samples} />;
  return open?.kind === "delivery" && <Delivery of={open.delivery} />;
}

/** Why the last call of an open form failed. */
function failure() {
  const { ok, text } = message.value;
  return ok ? null : { ok, shown: <pre>{visible(text)}</pre> };
}

function RecordForm({ record, begun }: { readonly record: ApiRecord | undefined; readonly begun: object }) {
  const id = useId();
  const { product, module } = useSignal(place()).value;
  const text = useSignal(withEscapes(JSON.stringify(begun, null, 2)));
  const verb = record === undefined ? "Create" : "Change";
  const name = [product, module, record?.id].filter(Boolean).join(" ");
  const save = () => {
    const parsed = parseJson(text.value);
    if (!parsed.ok) return document.getElementById(id)?.focus();
    const data = record === undefined ? parsed.value : changes(record, parsed.value);
    const body = { product, module, action: verb.toLowerCase(), id: record?.id, data };
    return act(`${verb}d ${name}`, "records", body);
  };
  return (
    <Form
      title={`${verb} ${name}`}
      onClose={close}
      action={verb}
      outcome={failure()}
      onSubmit={save}
      buttons={record !== undefined && <span class="faint">Only the fields that you edit are sent.</span>}
    >
      <BodyField
        id={id}
        label="Fields"
        text={text.value}
        flaw={jsonFlaw(text.value)}
        onEdit={(edited) => {
          text.value = edited;
        }}
      />
    </Form>
  );
}

/** Members that differ from those of the record. */
function changes(record: ApiRecord, edited: unknown): unknown {
  const isSame = (name: string, value: unknown) => JSON.stringify(record[name]) === JSON.stringify(value);
  return Object.fromEntries(Object.entries(Object(edited)).filter(([name, value]) => !isSame(name, value)));
}

function Delivery({ of: delivery }: { readonly of: WholeDelivery }) {
  const { n, product, event, at, method, url, headers, body } = delivery;
  const isJson = jsonFlaw(body) === undefined;
  return (
    <Modal title={`Delivery #${n}: ${product} ${event}`} onClose={close}>
      <p class="actions">
        <Result of={delivery} />
        <span class="space" />
        <Button class="primary" onPress={() => act(`Delivered #${n} again`, `deliveries/${n}/again`, {})}>
          Deliver again
        </Button>
      </p>
      {lacksSecrets(delivery) && (
        <p class="warning">
          If the receiver lacks the emulator's secrets, start it again after <ExportCommand />
        </p>
      )}
      <Pairs of={[["Sent", <Time key="sent" at={iso(at)} full />], [method, url], ...Object.entries(headers)]} />
      <Lines text={isJson ? prettyJson(body) : body} isJson={isJson} />
    </Modal>
  );
}

/** Gives a shell the variables of this emulator. */
export function ExportCommand() {
  return <code class="command">export $(zoho-hooks emulate --env --port {location.port || 80})</code>;
}

function Sample({ from }: { readonly from: readonly SampleProduct[] }) {
  const id = useId();
  const product = useSignal("crm");
  const wanted = useSignal("Leads.create");
  const to = useSignal(view.peek()?.deliveries[0]?.url ?? "");
  const events = from.find((each) => each.product === product.value)?.events ?? [];
  const event = events.find((each) => each === wanted.value) ?? events[0];
  return (
    <Form
      title="Deliver a sample"
      onClose={close}
      action="Deliver"
      outcome={failure()}
      onSubmit={() =>
        act(`Delivered ${product} ${event}`, "deliver", { product: product.value, event, to: to.value.trim() })
      }
      buttons={null}
    >
      <p class="faint">A new one, whether or not anything watches it.</p>
      <div class="fields">
        <Choice label="Product" choice={product} from={from.map((each) => [each.product, each.name])} />
        <Choice label="Event" choice={wanted} from={events.map((each) => [each, each])} />
      </div>
      <label for={id}>URL</label>
      <input
        id={id}
        required
        placeholder="http://127.0.0.1:4460/webhooks/zoho/crm"
        value={to.value}
        onInput={into(to)}
      />
    </Form>
  );
}
