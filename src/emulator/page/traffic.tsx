import { Button, Time, timeLeft, Verdict, visible } from "../../web/page/parts.tsx";
import type { DeliveryView } from "../view.ts";
import { showDelivery, view } from "./model.ts";
import { Table } from "./table.tsx";

export const iso = (at: number): string => new Date(at).toISOString();

export function Subscriptions() {
  const { subscriptions = [], now = 0 } = view.value ?? {};
  return (
    <Table
      title="Channels and webhooks"
      heads={["Product", "URL and events", "Expiry"]}
      rows={subscriptions.map(({ product, id, url, events, expiresAt, enabled }) => [
        `${product} ${id}`,
        <>
          {product} <span class="id">{visible(id)}</span>
        </>,
        <>
          <code>{visible(url)}</code> <span class="faint">{visible(events.join(", "))}</span>
        </>,
        <>
          {expiresAt === undefined ? "does not expire" : timeLeft(iso(expiresAt), now)}{" "}
          {!enabled && <Verdict tone="bad">disabled</Verdict>}
        </>,
      ])}
      empty="None yet. zoho-hooks listen --channel Leads.create makes one."
    />
  );
}

export function Deliveries() {
  const { deliveries = [], dropped } = view.value ?? {};
  return (
    <Table
      title="Deliveries"
      heads={["#", "Time", "Event", "To", "Answer"]}
      rows={deliveries.map((each) => [
        each.n,
        <span class="number">{each.n}</span>,
        <Time at={iso(each.at)} />,
        <Button class="link" label={`${each.product} ${each.event} #${each.n}`} onPress={() => showDelivery(each.n)}>
          {each.product} {visible(each.event)}
        </Button>,
        <code>{visible(each.url)}</code>,
        <Result of={each} />,
      ])}
      empty="None yet. A change of a record is posted to the channels and webhooks that watch it."
    >
      <Dropped count={dropped?.deliveries} />
    </Table>
  );
}

function Dropped({ count = 0 }: { readonly count: number | undefined }) {
  return count > 0 && <small>the oldest {count.toLocaleString("en")} are gone</small>;
}

/** What became of a delivery. */
export function Result({ of: { status, error, fault, again, ms } }: { readonly of: DeliveryView }) {
  const isGood = status !== undefined && status < 300 && error === undefined;
  const words = [status, error === undefined ? undefined : visible(error)].filter((each) => each !== undefined);
  return (
    <>
      <Verdict tone={fault === "lost" ? "unknown" : isGood ? "good" : "bad"}>
        {words.map((each, index) => [index > 0 && ": ", each])}
      </Verdict>
      <small>
        {ms !== undefined && ` ${ms} ms`} {again !== undefined && ` #${again} again`}
        {fault !== undefined && ` ${fault} on purpose`}
      </small>
    </>
  );
}

export function Requests() {
  const { requests = [], dropped } = view.value ?? {};
  return (
    <Table
      title="Requests"
      heads={["#", "Time", "Request", "Answer"]}
      rows={requests.map(({ n, at, method, path, query, status, lacks }) => [
        n,
        <span class="number">{n}</span>,
        <Time at={iso(at)} />,
        <code>
          {visible(`${method} ${path}`)}
          <span class="faint">{query !== "" && visible(`?${query}`)}</span>
        </code>,
        <>
          <span class={status === undefined || status >= 400 ? "bad" : ""}>{status ?? "none, on purpose"}</span>
          {lacks !== undefined && <span class="warning"> the emulator does not have it</span>}
        </>,
      ])}
      empty="None yet. Point an SDK, curl or zoho-hooks at this address."
    >
      <Dropped count={dropped?.requests} />
    </Table>
  );
}
