import { useSignal } from "@preact/signals";
import { copy } from "./actions.ts";
import { togglePause } from "./keys.ts";
import {
  choose,
  connection,
  customCount,
  detailsOpen,
  dialog,
  type Filters,
  filters,
  message,
  more,
  now,
  paused,
  products,
  report,
  searching,
  set,
  setFilters,
  shown,
  state,
} from "./model.ts";
import { Button, counted, timeLeft } from "./parts.tsx";

const SEARCH_DELAY_MS = 150;
const STATUS = /^(\d(\d\d|xx)(-\d{3})?)?$/;
const CONNECTIONS = {
  connecting: ["unknown", "connecting"],
  live: ["good", "live"],
  retrying: ["bad", "disconnected, trying again"],
  refused: ["bad", "not allowed"],
} as const;

export function Header() {
  const [tone, words] = CONNECTIONS[connection.value];
  const { value } = state;
  const channels = value?.channels ?? [];
  const [first] = channels.flatMap(({ expires_at }) => expires_at ?? []).sort();
  const url = value?.receiver?.public_url ?? value?.receiver?.url;
  return (
    <header>
      <h1>zoho-hooks</h1>
      <span class="faint" title={value?.project}>
        {value?.project.split(/[\\/]/).at(-1)}
      </span>
      <span class={`connection ${tone}`} role="status">
        <span class="dot" aria-hidden="true" /> {words}
      </span>
      {url !== undefined && (
        <Button class="url" onPress={() => copy("URL", url)}>
          {url}
        </Button>
      )}
      {value !== null && value.receiver === null && <span class="faint">no listener is running</span>}
      <span class="space" />
      {channels.length > 0 && (
        <Button onPress={set(dialog, "channels")}>
          {counted(channels.length, "channel")}
          {first !== undefined && `, ${timeLeft(first, now.value)}`}
        </Button>
      )}
      <Button letter="s" onPress={set(dialog, "send")}>
        Send a sample
      </Button>
      <Button letter="?" label="Help" onPress={set(dialog, "help")} />
    </header>
  );
}

export function FilterBar() {
  const { value } = filters;
  const change = (filter: Partial<Filters>) => setFilters(filter).catch(report);
  const toggle = (name: "failed" | "rejected" | "invalid" | "duplicates", title: string, letter?: string) => (
    <Button
      pressed={value[name]}
      title={title}
      {...(letter !== undefined && { letter })}
      onPress={() => change({ [name]: !value[name] })}
    >
      {name}
    </Button>
  );
  return (
    <search class="filters" aria-label="Filters">
      <TypedFilter name="search" label="Search text, or #number" width={26} />
      <label>
        <span class="visually-hidden">Product</span>
        <select value={value.product} onChange={({ currentTarget }) => change({ product: currentTarget.value })}>
          <option value="">all products</option>
          {products.value.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <TypedFilter name="event" label="Event: Leads.*" width={15} />
      <TypedFilter name="status" label="Status: 4xx" width={10} />
      {toggle("failed", "Your app did not accept it, and no attempt follows", "f")}
      {toggle("rejected", "Rejected: your app did not get it")}
      {toggle("invalid", "Bodies that are not as the schema says, unreadable, or of an unknown event")}
      {toggle("duplicates", "What had come before")}
      <span class="space" />
      <Button pressed={paused.value} letter="p" onPress={togglePause}>
        {paused.value ? "paused" : "pause"}
      </Button>
    </search>
  );
}

interface TypedFilterProps {
  readonly name: "search" | "event" | "status";
  readonly label: string;
  /** In characters. */
  readonly width: number;
}

/** Applied at Enter, or when the typing pauses. */
function TypedFilter({ name, label, width }: TypedFilterProps) {
  const timer = useSignal<number | undefined>(undefined);
  const apply = (text: string) => {
    clearTimeout(timer.peek());
    const [, number] = (name === "search" && /^#(\d+)$/.exec(text.trim())) || [];
    if (number !== undefined) {
      choose(Number(number));
      detailsOpen.value = true;
    } else if (text !== filters.peek()[name]) setFilters({ [name]: text }).catch(report);
  };
  return (
    <input
      type="search"
      id={name}
      aria-label={label}
      placeholder={label}
      aria-keyshortcuts={name === "search" ? "/" : undefined}
      autocomplete="off"
      spellcheck={false}
      size={width}
      value={filters.value[name]}
      onInput={({ currentTarget }) => {
        const { value } = currentTarget;
        clearTimeout(timer.peek());
        // The beginning of a number or of a status is none yet.
        const isWhole = name === "search" ? !value.startsWith("#") : name !== "status" || STATUS.test(value);
        if (isWhole) timer.value = setTimeout(() => apply(value), SEARCH_DELAY_MS);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") apply(event.currentTarget.value);
      }}
    />
  );
}

export function Footer() {
  const { length } = shown.value;
  return (
    <footer>
      <span>
        {searching.value
          ? "searching …"
          : `${counted(length, "event")}${more.value ? " loaded, older ones below" : ""}`}
        {!searching.value && customCount.value > 0 && `; ${customCount.value.toLocaleString("en")} custom (no schema)`}
      </span>
      <span role="status" class="message">
        {message.value}
      </span>
      <span class="space" />
      <span class="hints faint" aria-hidden="true">
        <kbd>j</kbd>
        <kbd>k</kbd> select <kbd>d</kbd> details <kbd>r</kbd> replay <kbd>x</kbd> explain <kbd>m</kbd> diff <kbd>/</kbd>{" "}
        search <kbd>?</kbd> all keys
      </span>
    </footer>
  );
}
