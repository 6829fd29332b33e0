import { useSignal } from "@preact/signals";
import { type Loop, loopText } from "../../forward/loops.ts";
import { Brand, Button, counted, Live, timeLeft } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import { CopyButton } from "./copy-button.tsx";
import { openDetails, togglePause } from "./keys.ts";
import { focusList } from "./list.tsx";
import {
  connection,
  customCount,
  dialog,
  type Filters,
  filters,
  loop,
  message,
  more,
  NO_FILTERS,
  now,
  paused,
  products,
  report,
  searching,
  select,
  setFilters,
  shown,
  state,
} from "./model.ts";

const SEARCH_DELAY_MS = 150;
const STATUS = /^(\d(\d\d|xx)(-\d{3})?)?$/;
const CONNECTIONS = {
  connecting: ["unknown", "Connecting"],
  live: ["good", "Live"],
  retrying: ["bad", "Disconnected, trying again"],
  refused: ["bad", "Not allowed"],
} as const;

export function Header() {
  const [tone, words] = CONNECTIONS[connection.value];
  const { value } = state;
  const channels = value?.channels ?? [];
  const [first] = channels.flatMap(({ expires_at }) => expires_at ?? []).sort();
  const url = value?.receiver?.public_url ?? value?.receiver?.url;
  return (
    <header>
      <Brand />
      <span class="project faint" title={value?.project}>
        {value?.project.split(/[\\/]/).at(-1)}
      </span>
      <Live tone={tone}>{words}</Live>
      <Apps />
      <span class="space" />
      {value !== null && value.receiver === null && (
        <span class="faint">
          No listener<span class="long"> is running</span>
        </span>
      )}
      {url !== undefined && (
        <span class="url">
          <code>{url}</code> <CopyButton text={url} />
        </span>
      )}
      {channels.length > 0 && (
        <Button onPress={set(dialog, "channels")}>
          {counted(channels.length, "channel")}
          {first !== undefined && `, ${timeLeft(first, now.value)}`}
        </Button>
      )}
      <Button letter="s" onPress={set(dialog, "send")}>
        Send<span class="long"> a sample</span>
      </Button>
      <Button class="help" letter="?" label="Help" onPress={set(dialog, "help")} />
    </header>
  );
}

/** Whether the app is down, what waits for it, and what it did not accept. */
function Apps() {
  const { apps = [], waiting = 0, failed = 0 } = state.value ?? {};
  const down = apps.filter(({ up }) => !up).map(({ origin }) => origin);
  const isDown = down.length > 0;
  return (
    <span class="apps" role="status">
      {apps.length > 0 && (
        <span
          class={`connection ${isDown ? "bad" : "good"}`}
          title={(isDown ? down : apps.map(({ origin }) => origin)).join(", ")}
        >
          <span class="dot" aria-hidden="true" /> {isDown ? "App down" : "App up"}
        </span>
      )}
      {waiting > 0 && <span class="pill waiting">{waiting.toLocaleString("en")} waiting</span>}
      {(failed > 0 || filters.value.failed) && <FailedPill count={failed} />}
      {loop.value !== undefined && <LoopPill loop={loop.value} />}
    </span>
  );
}

/** Lists what failed, whatever was listed before. */
function FailedPill({ count }: { readonly count: number }) {
  const isOn = filters.value.failed;
  return (
    <Button
      class="pill failed"
      pressed={isOn}
      title={isOn ? "List the others as well" : "List what your app did not accept"}
      onPress={() => setFilters({ ...NO_FILTERS, failed: !isOn }).catch(report)}
    >
      {count === 100 ? "100+" : count} failed
    </Button>
  );
}

function LoopPill({ loop: found }: { readonly loop: Loop }) {
  return (
    <Button
      class="pill failed"
      title={`${loopText(found)} Press to list its changes.`}
      onPress={() => setFilters({ search: found.record }).catch(report)}
    >
      Loop? {found.product} …{found.record.slice(-6)}
    </Button>
  );
}

const TOGGLES = [
  ["failed", "Failed", "Your app did not accept it, and no attempt follows (f: failed and rejected)"],
  ["rejected", "Rejected", "Your app did not get it (f: failed and rejected)"],
  ["invalid", "Invalid", "Bodies that are not as the schema says, unreadable, or of an unknown event"],
  ["duplicate", "Duplicates", "What had come before"],
] as const;

export function FilterBar() {
  const { value } = filters;
  const change = (filter: Partial<Filters>) => setFilters(filter).catch(report);
  return (
    <search class="filters" aria-label="Filters">
      <TypedFilter name="search" label="Search text, or #number" />
      <select
        aria-label="Product"
        value={value.product}
        onChange={({ currentTarget }) => change({ product: currentTarget.value })}
      >
        <option value="">All products</option>
        {products.value.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <TypedFilter name="event" label="Event: Leads.*" />
      <TypedFilter name="status" label="Status: 4xx" />
      {TOGGLES.map(([name, words, title]) => (
        <Button key={name} pressed={value[name]} title={title} onPress={() => change({ [name]: !value[name] })}>
          {words}
        </Button>
      ))}
      <span class="space" />
      <Button pressed={paused.value} letter="p" onPress={togglePause}>
        {paused.value ? "Paused" : "Pause"}
      </Button>
    </search>
  );
}

/** Applied when the typing pauses, or at Enter and ↓, which go on to the list. */
function TypedFilter({ name, label }: { readonly name: "search" | "event" | "status"; readonly label: string }) {
  const timer = useSignal<number | undefined>(undefined);
  const apply = async (text: string) => {
    clearTimeout(timer.peek());
    if (text !== filters.peek()[name] || searching.peek()) await setFilters({ [name]: text });
  };
  const leave = async (text: string) => {
    const [, number] = (name === "search" && /^#(\d+)$/.exec(text.trim())) || [];
    if (number === undefined) {
      await apply(text);
      focusList();
    } else {
      select(Number(number));
      openDetails();
    }
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
      value={filters.value[name]}
      onInput={({ currentTarget }) => {
        const { value } = currentTarget;
        clearTimeout(timer.peek());
        // The beginning of a number or of a status is none yet.
        const isWhole = name === "search" ? !value.startsWith("#") : name !== "status" || STATUS.test(value);
        if (isWhole) timer.value = setTimeout(() => apply(value).catch(report), SEARCH_DELAY_MS);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== "ArrowDown") return;
        event.preventDefault();
        leave(event.currentTarget.value).catch(report);
      }}
    />
  );
}

export function Footer() {
  const { length } = shown.value;
  const custom = customCount.value;
  return (
    <footer>
      <span>
        {searching.value
          ? "Searching …"
          : `${counted(length, "event")}${more.value ? " loaded, older ones below" : ""}`}
        {!searching.value && custom > 0 && `; ${custom.toLocaleString("en")} custom (no schema)`}
      </span>
      <span role="status" class="message">
        {message.value}
      </span>
    </footer>
  );
}
