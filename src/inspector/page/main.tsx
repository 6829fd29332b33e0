import { useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { takeToken } from "./client.ts";
import { Details } from "./details.tsx";
import { Dialogs } from "./dialogs.tsx";
import { Divider, listWidth } from "./divider.tsx";
import { onKey } from "./keys.ts";
import { EventList } from "./list.tsx";
import { announcement, connect, connection, detailsOpen, isNew, unsettled } from "./model.ts";
import { Start } from "./start.tsx";
import { FilterBar, Footer, Header } from "./toolbar.tsx";

function App() {
  useSignalEffect(() => {
    document.title = unsettled.value > 0 ? `(${unsettled.value}) zoho-hooks` : "zoho-hooks";
  });
  if (connection.value === "refused") return <NotAllowed />;
  return (
    <>
      <Header />
      {isNew.value ? (
        <Start />
      ) : (
        <>
          <FilterBar />
          <main class={detailsOpen.value ? "details-open" : ""} style={listWidth()}>
            <EventList />
            <Divider />
            <Details />
          </main>
          <Footer />
        </>
      )}
      <Dialogs />
      <p class="visually-hidden" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}

function NotAllowed() {
  return (
    <main class="not-allowed">
      <h1>zoho-hooks</h1>
      <p>This page has no valid token: it shows the events of a project only to whoever started it. Run</p>
      <pre class="command">zoho-hooks ui</pre>
      <p>in the project's folder again, and open the address that it prints.</p>
    </main>
  );
}

if (takeToken() === null) connection.value = "refused";
else void connect();
// Another address of the same page, which has a token again, was pasted over this one.
addEventListener("hashchange", () => location.reload());
addEventListener("keydown", onKey);
render(<App />, document.body);
