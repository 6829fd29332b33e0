import { useSignal } from "@preact/signals";
import { render } from "preact";
import { Brand, Button, Live, visible } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import { Dialogs } from "./dialogs.tsx";
import { act, connect, dialog, failure, isLive, message, showSamples, view } from "./model.ts";
import { Command, Field } from "./parts.tsx";
import { Records } from "./records.tsx";
import { Deliveries, Requests, Subscriptions } from "./traffic.tsx";

function App() {
  const newest = view.value?.deliveries[0];
  return (
    <>
      <Header />
      <main>
        <First />
        <div class="column">
          <Records />
          <Subscriptions />
        </div>
        <div class="column">
          <Deliveries />
          <Requests />
        </div>
      </main>
      <footer>
        <span role="status" class={`message ${message.value.ok ? "" : "bad"}`}>
          {failure.value.field === undefined && visible(message.value.text)}
        </span>
        <span role="status" class="visually-hidden">
          {newest !== undefined && `Delivery ${newest.n}: ${newest.event}, ${newest.status ?? "no answer"}`}
        </span>
      </footer>
      <Dialogs />
    </>
  );
}

function Header() {
  return (
    <header>
      <Brand />
      <span class="faint">emulator</span>
      {isLive.value !== undefined && (
        <Live tone={isLive.value ? "good" : "bad"}>{isLive.value ? "Live" : "Disconnected, trying again"}</Live>
      )}
      <Planned />
      <span class="space" />
      <Button onPress={showSamples}>Deliver a sample</Button>
      <Button onPress={set(dialog, { kind: "faults" })}>Fail</Button>
      <Advance />
      <Button onPress={reset}>Reset</Button>
    </header>
  );
}

/** What still fails on purpose. */
function Planned() {
  const { answers = 0, deliveries = 0 } = view.value?.faults ?? {};
  return (
    <span class="warning" role="status">
      {answers > 0 && `answers still to fail: ${answers} `}
      {deliveries > 0 && `deliveries still to fail: ${deliveries}`}
    </span>
  );
}

function Advance() {
  const own = useSignal("");
  const advance = (by: string) => act(`Everything is older by ${by}`, "advance", { by });
  return (
    <form
      class="actions"
      title="Channels, tokens and records get older; the clock stays"
      onSubmit={(submit) => {
        submit.preventDefault();
        void advance(own.value);
      }}
    >
      {["1h", "6d"].map((by) => (
        <Button key={by} onPress={() => advance(by)}>
          Advance {by}
        </Button>
      ))}
      <Field name="by" label="Time to advance" class="visually-hidden" placeholder="2d12h" size={6} text={own} />
      <button type="submit">Advance</button>
    </form>
  );
}

function reset(): void {
  const question = "Delete all records, channels, webhooks, tokens, deliveries and requests that came since the start?";
  if (confirm(question)) void act("The organisation is as it was at its start", "reset", {});
}

/** What to try while nothing is there. */
function First() {
  const { value } = view;
  if (value === null) return null;
  const { modules, subscriptions, deliveries } = value;
  if (modules.some(({ count }) => count > 0) || subscriptions.length + deliveries.length > 0) return null;
  return (
    <section class="card first" aria-labelledby="first">
      <h2 id="first">An empty organisation. Try this</h2>
      <ol>
        <li>
          In the terminal of your app and in another one: <Command text={value.variables} />
        </li>
        <li>
          Start your app, and in the other one a listener with a channel:{" "}
          <Command text={`${value.invocation} listen 3000 --channel Leads.create`} />
        </li>
        <li>Create a Lead on this page: its delivery is listed here, and arrives there verified.</li>
      </ol>
    </section>
  );
}

document.title = "zoho-hooks emulator";
connect();
render(<App />, document.body);
