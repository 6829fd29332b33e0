import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { BodyField, Choice, Form, Modal } from "../../page-kit/page/dialogs.tsx";
import { Button, Pairs, Time, visible, withEscapes } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import { jsonFlaw, parseJson } from "../../util/json.ts";
import type { ApiRecord } from "../answer.ts";
import { lacksSecrets, type NumberedRequest, type SampleProduct, type WholeDelivery } from "../view.ts";
import { act, dialog, failure, place, view } from "./model.ts";
import { Body, Command, Field } from "./parts.tsx";
import { Answered, iso, Result } from "./traffic.tsx";

const close = set(dialog, null);

export function Dialogs() {
  const { value: open } = dialog;
  if (open?.kind === "record") return <RecordForm {...open} />;
  if (open?.kind === "sample") return <Sample from={open.samples} />;
  if (open?.kind === "faults") return <Faults />;
  if (open?.kind === "request") return <Request of={open.request} />;
  return open?.kind === "delivery" && <Delivery of={open.delivery} />;
}

/** Why the last call of an open form failed, where no field is at fault. */
function outcome() {
  const { field, text = "" } = failure.value;
  return text === "" || field !== undefined ? null : { ok: false, shown: <pre>{visible(text)}</pre> };
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
      outcome={outcome()}
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
          If the receiver lacks the emulator's secrets, start it again after <Command text={view.value?.variables} />
        </p>
      )}
      <Pairs of={[["Sent", <Time key="sent" at={iso(at)} full />], [method, url], ...Object.entries(headers)]} />
      <Body text={body} />
    </Modal>
  );
}

function Request({
  of: { n, at, method, path, query, headers, body, answer, ...answered },
}: {
  readonly of: NumberedRequest;
}) {
  const sent = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  const url = query === "" ? path : `${path}?${query}`;
  return (
    <Modal title={`Request #${n}`} onClose={close}>
      <p>
        <Answered of={answered} />
      </p>
      <Pairs of={[["Received", <Time key="received" at={iso(at)} full />], [method, url], ...sent]} />
      <h3>Body</h3>
      <Body text={body} />
      <h3>Answer</h3>
      <Body text={answer} />
    </Modal>
  );
}

const FAULTS = {
  answer: ["429", "503", "500", "401", "late", "silence", "cut"],
  delivery: ["lost", "late", "twice", "out-of-order"],
};

/** Makes the next answers or deliveries fail. */
function Faults() {
  const kind = useSignal<keyof typeof FAULTS>("answer");
  const wanted = useSignal("");
  const times = useSignal("1");
  const delay = useSignal("3s");
  const faults = FAULTS[kind.value];
  const fault = faults.find((each) => each === wanted.value) ?? faults[0];
  const isDelay = kind.value === "answer" && fault === "late";
  const fail = () => {
    const planned = isDelay ? delay.value : Number(fault) || fault;
    return act("Planned", "fail", { [kind.value]: planned, times: Number(times.value) || times.value });
  };
  return (
    <Form title="Fail on purpose" onClose={close} action="Fail" outcome={outcome()} onSubmit={fail} buttons={null}>
      <div class="fields">
        <Choice
          label="What"
          choice={kind}
          from={[
            ["answer", "Next answers"],
            ["delivery", "Next deliveries"],
          ]}
        />
        <Choice label="How" choice={wanted} from={faults.map((each) => [each, each])} />
        <Field name="times" label="How many" text={times} />
        {isDelay && <Field name="answer" label="How late" text={delay} />}
      </div>
    </Form>
  );
}

function Sample({ from }: { readonly from: readonly SampleProduct[] }) {
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
      outcome={outcome()}
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
      <Field name="to" label="URL" placeholder="http://127.0.0.1:4460/webhooks/zoho/crm" text={to} />
    </Form>
  );
}
