import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { BodyField, Checkbox, Choice, Form, Modal } from "../../page-kit/page/dialogs.tsx";
import { Button, Pairs, timeLeft, Verdict, visible, withEscapes } from "../../page-kit/page/parts.tsx";
import { into, set } from "../../page-kit/page/signals.ts";
import { jsonFlaw } from "../../util/json.ts";
import type { EventDetails, Outcome } from "../api.ts";
import { ask } from "./actions.ts";
import { Answer } from "./answer.tsx";
import { lettersOn, SHORTCUTS, setLetters } from "./keys.ts";
import { details, dialog, hasTarget, now, products, selected, state } from "./model.ts";

const close = set(dialog, null);

export function Dialogs() {
  const { value: open } = dialog;
  const { value: event } = details;
  return (
    <>
      {open === "help" && <Help />}
      {open === "replay" && event !== null && event.n === selected.value && <EditAndReplay of={event} />}
      {open === "send" && <Send />}
      {open === "channels" && <Channels />}
    </>
  );
}

function Help() {
  return (
    <Modal onClose={close} title="Keys">
      <Pairs of={SHORTCUTS.map(([keys, text]) => [keys, text])} />
      <Checkbox label="Letters work outside of text fields" checked={lettersOn.value} onChange={setLetters} />
    </Modal>
  );
}

/** Edits by number and time, for as long as the page is open: closing the dialog loses none. */
const drafts = new Map<string, string>();

const ONLY_START = "The log has only the start of the body, so it cannot be sent again.";

function EditAndReplay({ of }: { readonly of: EventDetails }) {
  // This event may change while the dialog is open.
  const { n, at, raw, pretty, masked, cut, attempts } = useSignal(of).value;
  // In a text field, hidden characters can neither be seen nor edited.
  const original = pretty === null ? (raw ?? "") : withEscapes(pretty);
  const key = `${n} ${at}`;
  const body = useSignal(drafts.get(key) ?? original);
  const target = useSignal("");
  const answer = useSignal<Outcome | null>(null);
  const id = useId();
  const isEdited = body.value !== original;
  const flaw = pretty === null ? undefined : jsonFlaw(body.value);
  if (raw === null || cut)
    return (
      <Modal onClose={close} title={`Edit #${n} and replay it`}>
        {cut ? ONLY_START : "The body is not text."}
      </Modal>
    );
  const edit = (text: string) => {
    body.value = text;
    if (text === original) drafts.delete(key);
    else drafts.set(key, text);
  };
  const replay = async () => {
    if (flaw !== undefined) return document.getElementById(`${id}-body`)?.focus();
    const to = target.value.trim();
    answer.value = await ask("replay", { n, ...(isEdited && { body: body.value }), ...(to !== "" && { to }) });
  };
  return (
    <Form
      title={`Edit #${n} and replay it`}
      onClose={close}
      action="Sign and replay"
      outcome={answer.value && { ok: answer.value.ok, shown: <Answer outcome={answer.value} /> }}
      onSubmit={() => void replay()}
      buttons={
        isEdited && (
          <>
            <span class="faint">Your edit is kept until the page is closed.</span>
            <Button onPress={() => edit(original)}>Undo all</Button>
          </>
        )
      }
    >
      <p class="faint">The edited body is signed again with your secret, not with Zoho's.</p>
      {masked && original.includes("[masked]") && (
        <p class="warning">[masked] stands for the secret that came: where it is left in its place, that is sent.</p>
      )}
      <BodyField id={`${id}-body`} label="Body" text={body.value} flaw={flaw} onEdit={edit} />
      <label for={`${id}-to`}>Send to</label>
      <input
        id={`${id}-to`}
        list={`${id}-targets`}
        placeholder={attempts.at(-1)?.target ?? (hasTarget.value ? "your app" : "the port of your app, such as 3000")}
        required={!hasTarget.value}
        value={target.value}
        onInput={into(target)}
      />
      <datalist id={`${id}-targets`}>
        {state.value?.targets.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </Form>
  );
}

const FORMATS: Readonly<Record<string, string>> = {
  wire: "as Zoho's servers post it",
  guide: "as in the Webhooks Guide",
  workflow: "a body that you design",
};
const nameOf = (format: string) => (FORMATS[format] === undefined ? format : `${format}: ${FORMATS[format]}`);
const FAULTS = { badSignature: "With a bad signature", badToken: "With a bad token" } as const;

function Send() {
  const product = useSignal(products.value[0]?.id ?? "");
  const formats = products.value.find(({ id }) => id === product.value)?.formats ?? [];
  const wantedFormat = useSignal("");
  const format = formats.find(({ id }) => id === wantedFormat.value) ?? formats[0];
  const wantedEvent = useSignal("");
  const isBad = useSignal(false);
  const answer = useSignal<Outcome | null>(null);
  if (format === undefined) return null;
  const { events, fault, source, signing } = format;
  const event = events.find((each) => each === wantedEvent.value) ?? events[0] ?? "";
  const send = async (preview: boolean) => {
    const wrong = isBad.value && fault !== null ? { fault } : {};
    answer.value = await ask("send", { product: product.value, event, format: format.id, ...wrong, preview });
  };
  return (
    <Form
      title="Send a sample"
      onClose={close}
      action="Send"
      outcome={answer.value && { ok: answer.value.ok, shown: <Answer outcome={answer.value} /> }}
      onSubmit={() => void send(false)}
      buttons={<Button onPress={() => send(true)}>Preview</Button>}
    >
      <div class="fields">
        <Choice label="Product" choice={product} from={products.value.map(({ id, name }) => [id, name])} />
        <Choice label="Event" choice={wantedEvent} from={events.map((each) => [each, each])} />
        <Choice label="Format" choice={wantedFormat} from={formats.map(({ id }) => [id, nameOf(id)])} />
      </div>
      <p class="faint source">Source of the format: {visible(source)}</p>
      {signing.length === 0 && <Verdict tone="unknown">Not signed: this format has no known signature</Verdict>}
      {signing.map(({ title, note, signs }) => (
        <p key={title}>
          <Verdict tone={signs ? "good" : "unknown"}>
            {note.slice(0, 1).toUpperCase() + note.slice(1)} <span class="faint">({title})</span>
          </Verdict>
        </p>
      ))}
      {fault !== null && (
        <Checkbox
          label={`${FAULTS[fault]}, which must be rejected`}
          checked={isBad.value}
          onChange={(checked) => {
            isBad.value = checked;
          }}
        />
      )}
      {state.value?.receiver === null ? (
        <p class="warning">No listener is running: start zoho-hooks listen first.</p>
      ) : (
        <p class="faint">It is sent to the running listener.</p>
      )}
    </Form>
  );
}

function Channels() {
  const channels = state.value?.channels ?? [];
  return (
    <Modal onClose={close} title="Channels">
      <Pairs
        of={channels.map(({ id, events, expires_at, orphaned }) => {
          const left = expires_at === null ? "end not known" : timeLeft(expires_at, now.value);
          return [id, `${events.join(", ")}: ${left}${orphaned ? ", orphaned: its listener has ended" : ""}`];
        })}
      />
    </Modal>
  );
}
